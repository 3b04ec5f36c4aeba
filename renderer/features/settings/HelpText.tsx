import { shortcutText } from '../../lib/shortcuts.ts'

const shortcuts: readonly (readonly [string, string])[] = [
  [shortcutText('N'), 'New run'],
  [shortcutText('O'), 'Import a dataset'],
  [shortcutText('K'), 'Search everything'],
  [`${shortcutText('1')} to 5`, 'Datasets, runs, adapters, endpoints, costs'],
  [shortcutText(','), 'Settings'],
  [`${shortcutText('Z')} · ${shortcutText('Shift Z')}`, 'Undo, redo a change of a dataset'],
  ['↑ ↓ Home End', 'Move along the rows of a dataset'],
  ['Space · Enter', 'Choose a row, open it'],
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
    'Which files can be imported',
    'JSONL, JSON, CSV, TSV and Parquet, also as .gz or .zst. Drop them anywhere on the window; several files can become one dataset. You see the first rows before anything is imported. If the app does not know the layout, choose which column is the question and which the answer.',
  ],
  [
    'Issues and fixes',
    'The Issues tab groups what is wrong, with the line and the field. Some issues can be fixed in all rows at once: you see examples first. Dropped, fixed and rewritten rows are noted beside your file, which is never changed, so every step can be undone under Versions.',
  ],
  [
    'Private data and duplicates',
    'The app looks for e-mail addresses, phone numbers, account numbers, passwords and keys, for rows that repeat others, and for weak answers. It only marks them. You decide which rows to keep, redact or drop. Such a search finds much, but not everything.',
  ],
  [
    'What the model will see',
    'Models read tokens, not words. The Tokens tab counts them exactly for the base model you choose. Open a row and choose “As the model sees it”: coloured tokens are the ones it learns from.',
  ],
  [
    'Training and validation',
    'Under Splits, a part of the rows is set aside. Rows that repeat each other or ask the same stay together, so that nothing is tested that was also trained. The same seed gives the same division again. A run trains on the training part only.',
  ],
  [
    'Taking a dataset elsewhere',
    'Export writes the usable rows for other trainers and services. A note beside the files says what they were made from. A report lists every issue for colleagues.',
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
    'A run on this computer writes a checkpoint and goes on from it at the next start. A run on RunPod goes on there and is charged until it ends; its budget and a limit of twelve hours hold meanwhile, and the next start fetches what it left.',
  ],
  [
    'What leaves this computer',
    'Datasets, runs and adapters stay in the data folder. The app fetches a base model you do not have yet, and asks RunPod about endpoints you connected. A run on RunPod sends its training rows to your endpoint. Nothing else is sent.',
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
