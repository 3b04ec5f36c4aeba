import { shortcutText } from '../../lib/shortcuts.ts'

const shortcuts: readonly (readonly [string, string])[] = [
  [shortcutText('N'), 'New run'],
  [shortcutText('O'), 'Import a dataset'],
  [shortcutText('K'), 'Search everything'],
  [`${shortcutText('1')} to 5`, 'Datasets, runs, adapters, endpoints, costs'],
  [shortcutText(','), 'Settings'],
  ['← → Home End', 'Move along a loss curve'],
]

/** Every shortcut; the menu shows the same. */
export function Shortcuts() {
  return (
    <section className="card">
      <h2>Keyboard</h2>
      <dl className="shortcut-list">
        {shortcuts.map(([keys, action]) => (
          <div key={keys}>
            <dt>{action}</dt>
            <dd>
              <kbd>{keys}</kbd>
            </dd>
          </div>
        ))}
      </dl>
    </section>
  )
}

const topics: readonly (readonly [string, string])[] = [
  [
    'From conversations to an adapter',
    'Import conversations as a dataset. Every row is checked, and a row with issues says what to do. Start a run: choose the dataset, a base model, an endpoint and a preset. Before you start, the plan beside the choices says what will happen and what it costs.',
  ],
  [
    'What the loss says',
    'A part of the rows is held out and never trained on. Their loss shows whether the model learns the subject or only the rows. The base model is measured on the same rows first.',
  ],
  [
    'When a run ends',
    'Whether it completes or you stop it, its adapter is fetched, every file is checked against its hash, and it is marked as verified. Drag it into another program, or save it as a ZIP or a folder.',
  ],
  [
    'Closing the app',
    'A run on this computer writes a checkpoint and goes on from it at the next start. Nothing is lost and no point of the curve is counted twice.',
  ],
  [
    'What leaves this computer',
    'Datasets, runs and adapters stay in the data folder. The app fetches a base model you do not have yet, and asks RunPod about endpoints you connected. It sends nothing else.',
  ],
]

/** How the app works, in a few sentences. */
export function HelpText() {
  return (
    <section className="card help-text">
      <h2>How it works</h2>
      {topics.map(([title, text]) => (
        <div key={title}>
          <h3>{title}</h3>
          <p>{text}</p>
        </div>
      ))}
    </section>
  )
}
