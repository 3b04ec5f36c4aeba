import './hyperparameter-table.css'
import type { Hyperparameters } from '../../preload/contract/hyperparameters.ts'
import { hyperparameterGroups, hyperparameterTexts, readableHyperparameter } from '../lib/hyperparameter-text.ts'

/** The frozen settings of a run, with their Hugging Face names. */
export function HyperparameterTable({ hyperparameters }: { readonly hyperparameters: Hyperparameters }) {
  return (
    <table className="hyperparameter-table">
      <thead className="sr-only">
        <tr>
          <th scope="col">Setting</th>
          <th scope="col">Name in Hugging Face</th>
          <th scope="col">Value</th>
        </tr>
      </thead>
      {hyperparameterGroups.map((group) => (
        <tbody key={group.title}>
          <tr>
            <th scope="colgroup" colSpan={3} className="hyperparameter-table-group">
              {group.title}
            </th>
          </tr>
          {group.names.map((name) => (
            <tr key={name}>
              <th scope="row">{hyperparameterTexts[name].label}</th>
              <td>
                <code>{name}</code>
              </td>
              <td className="hyperparameter-table-value">{readableHyperparameter(name, hyperparameters[name])}</td>
            </tr>
          ))}
        </tbody>
      ))}
    </table>
  )
}
