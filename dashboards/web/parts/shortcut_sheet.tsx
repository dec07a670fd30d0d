/** The keys that work, on a sheet over the page. */
import { Dialog } from './dialog.tsx';

const KEYS = [
  ['?', 'this sheet'],
  ['j, k', 'next and previous alert, session or event'],
  ['o or Enter', 'open the session of the alert'],
  ['x', 'select the alert for an action on several'],
  ['a', 'acknowledge the alert'],
  ['p', 'pause or go on with live alerts'],
  ['Escape', 'close what lies over the page'],
] as const;

export function ShortcutSheet({ close }: { close: () => void }) {
  return (
    <Dialog title="Keyboard shortcuts" close={close}>
      <dl class="keys">
        {KEYS.map(([key, does]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
