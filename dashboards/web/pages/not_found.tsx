/** An address without a page. */
import { inTenant } from '../url_state.ts';

export function NotFoundPage() {
  return (
    <section class="notice">
      <h1>There is nothing here</h1>
      <p>
        No page has this address. <a href={inTenant('/')}>Overview</a>
      </p>
    </section>
  );
}
