import { ErrorNote } from '../../ui/ErrorNote.tsx'
import { useVocabularies } from './queries.ts'

/** The vocabularies that tokens are counted with, whose they are and under which licence. */
export function Vocabularies() {
  const vocabularies = useVocabularies()
  return (
    <section className="card">
      <h2>Vocabularies and licences</h2>
      <p className="field-hint">Tokens are counted with the vocabularies of the models themselves. They come with the app.</p>
      {vocabularies.error !== null && <ErrorNote error={vocabularies.error} onRetry={() => void vocabularies.refetch()} />}
      {vocabularies.data?.length === 0 && <p>No vocabularies came with this build, so exact tokens cannot be counted.</p>}
      {vocabularies.data !== undefined && vocabularies.data.length > 0 && (
        <ul className="licence-list">
          {vocabularies.data.map(({ family, title, licence, package: { registry, name, version, licence: packageLicence, text } }) => (
            <li key={family}>
              <details>
                <summary>
                  <b>{title}</b> <span>{licence}</span>
                </summary>
                <p>
                  Taken from {name} {version} ({registry}, {packageLicence}).
                </p>
                {text !== '' && <pre>{text}</pre>}
              </details>
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}
