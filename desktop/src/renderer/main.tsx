// The entry point of the page.
import { createRoot } from 'react-dom/client';
import { Provider } from 'react-redux';
import { App } from './app/App';
import { Failed } from './app/Failed';
import { rootSaga } from './app/rootSaga';
import { createStore } from './app/store';
import './styles/base.css';
import { afterPaint } from './features/feed/paint';
import { chime } from './features/notices/chime';
import { keepSettings } from './features/settings/keep';
import { newId } from './venue/id';
import { detectShell } from './venue/shell';
import { tabMemory } from './venue/tabMemory';
import { ShellContext } from './venue/useShell';
import { createVenue } from './venue/venue';

const context = {
  venue: createVenue(detectShell()),
  instanceId: newId(),
  now: () => Date.now(),
  random: () => Math.random(),
  afterPaint,
  chime,
  watched: () => document.hasFocus(),
  newId,
  memory: tabMemory(),
};

const element = document.getElementById('root');
if (element) {
  // A screen of which one part has failed could show old prices as current.
  const fail = (error: unknown): void => root.render(<Failed error={error instanceof Error ? error : new Error(String(error))} />);
  const root = createRoot(element, { onUncaughtError: fail });
  const { store } = createStore(rootSaga(context), fail);
  keepSettings(store);
  root.render(
    <Provider store={store}>
      <ShellContext value={context.venue.shell}>
        <App />
      </ShellContext>
    </Provider>,
  );
}
