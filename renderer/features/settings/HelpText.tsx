const shortcuts: readonly (readonly [string, string])[] = [
  ['Ctrl N', 'New run'],
  ['Ctrl O', 'Import a dataset'],
  ['Ctrl K', 'Search everything'],
  ['Ctrl 1 – 5', 'Datasets, runs, adapters, endpoints, costs'],
  ['Ctrl ,', 'Settings'],
  ['← →  Home  End', 'Move along a loss curve'],
]

/** Every shortcut; the menu shows the same. */
export function Shortcuts() {
  return (
    <section className="card">
      <h2>Keyboard</h2>
      <dl className="shortcut-list">
        {shortcuts.map(([keys, action]) => (
          <div key={keys}>
            <dt>{keys}</dt>
            <dd>{action}</dd>
          </div>
        ))}
      </dl>
      <p className="field-hint">On a Mac, use ⌘ in place of Ctrl.</p>
    </section>
  )
}

/** How the app works, in a few sentences. */
export function HelpText() {
  return (
    <section className="card help-text">
      <h2>How it works</h2>
      <p>
        Import conversations as a dataset. Every row is checked; rows with issues say what to do. Start a run: choose the dataset, a base model, an
        endpoint and a preset. The plan beside the choices says what will happen and what it costs before you start.
      </p>
      <p>
        While a run trains, a part of the rows is held out and never trained on. The held-out loss shows whether the model learns the subject or only
        the rows. The base model is measured on the same rows first.
      </p>
      <p>
        When a run ends, or you stop it, its adapter is fetched, every file is checked against its hash, and it is marked as verified. Drag it into
        another program, or save it as a ZIP or a folder.
      </p>
      <p>
        Closing the app during a run on this computer writes a checkpoint; the run goes on from it at the next start. Datasets and adapters stay on
        this computer. The only thing fetched from outside is a base model you do not have yet.
      </p>
    </section>
  )
}
