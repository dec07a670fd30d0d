/** The pages of the SOC. Everything they show comes from the API of the service that gave them out. */
import { render } from 'preact';
import { LocationProvider } from 'preact-iso/router';
import { App } from './app.tsx';

const root = document.getElementById('app');
if (root !== null) {
  render(
    <LocationProvider>
      <App />
    </LocationProvider>,
    root,
  );
}
