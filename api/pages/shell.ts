/** The page around the scripts: nothing of anybody's data, so that it is the same for all. */
import { html } from 'hono/html';
import type { Html } from './inert.ts';

export function shellPage(): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Tracewarden</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/static/style.css">
<script type="module" src="/static/app.js"></script>
</head>
<body>
<div id="app"></div>
<noscript><p>These pages need scripts. <a href="/plain">The plain ones</a> show alerts and sessions without.</p></noscript>
</body>
</html>
`;
}
