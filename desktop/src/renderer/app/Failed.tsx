// Shown instead of a screen that has failed and can no longer be trusted.
import { translator } from '../i18n';
import { readSettings, settingsKey } from '../features/settings/slice';
import { readText } from '../ui/store';

export function Failed({ error }: { error: Error }) {
  const t = translator(readSettings(readText(settingsKey), navigator.language).language);
  return (
    <main className="sign-in" role="alert">
      <form>
        <h1>{t('app.failed')}</h1>
        <p className="problem">{error.message}</p>
        <button type="button" className="primary" onClick={() => location.reload()}>
          {t('app.reload')}
        </button>
      </form>
    </main>
  );
}
