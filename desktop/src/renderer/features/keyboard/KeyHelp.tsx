// Shows the keys of the table of bindings.
import './keyboard.css';
import { useT } from '../../i18n';
import { Dialog } from '../../ui/Dialog';
import { type Binding, bindings, type Where } from './bindings';

const sections: Where[] = ['desk', 'anywhere', 'field', 'ladder'];

const shown: Record<string, string> = { ArrowUp: '↑', ArrowDown: '↓', PageUp: 'Page Up', PageDown: 'Page Down', Escape: 'Esc' };

function Keys({ binding }: { binding: Binding }) {
  const key = shown[binding.key] ?? (binding.key.length === 1 ? binding.key.toUpperCase() : binding.key);
  return (
    <>
      {binding.with && <kbd>{binding.with}</kbd>}
      {binding.with && ' + '}
      <kbd>{key}</kbd>
    </>
  );
}

export function KeyHelp({ onClose }: { onClose: () => void }) {
  const t = useT();
  return (
    <Dialog title={t('keys.title')} onClose={onClose}>
      <div className="key-help">
        {sections.map((where) => (
          <table key={where}>
            <caption>{t(`keys.where.${where}`)}</caption>
            <tbody>
              {bindings
                .filter((binding) => binding.where === where)
                .map((binding) => (
                  <tr key={`${binding.command}${binding.key}`}>
                    <th scope="row">
                      <Keys binding={binding} />
                    </th>
                    <td>{t(binding.text)}</td>
                  </tr>
                ))}
            </tbody>
          </table>
        ))}
      </div>
      <div className="buttons">
        <button type="button" className="primary" onClick={onClose}>
          {t('keys.close')}
        </button>
      </div>
    </Dialog>
  );
}
