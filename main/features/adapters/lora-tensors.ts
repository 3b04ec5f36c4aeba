import { corrupt } from './corrupt.ts'
import type { TensorInfo } from './safetensors.ts'

const loraName = /^[A-Za-z0-9_.-]+\.lora_(?:embedding_)?(?<side>[AB])(?:\.weight)?$/
const floatTypes: ReadonlySet<string> = new Set(['F64', 'F32', 'F16', 'BF16'])

/** Checks that a file holds LoRA matrices and nothing else: every A has its B, and their ranks agree. */
export function assertLoraTensors(tensors: readonly TensorInfo[]): void {
  if (tensors.length === 0) throw corrupt('The weights file holds no tensors.')
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]))
  for (const tensor of tensors) {
    const side = loraName.exec(tensor.name)?.groups?.['side']
    if (side === undefined)
      throw corrupt(`The weights file holds ${JSON.stringify(tensor.name.slice(0, 120))}, which is not a LoRA matrix.`)
    if (!floatTypes.has(tensor.dtype))
      throw corrupt(`The matrix ${tensor.name} has the type ${tensor.dtype} instead of a floating-point one.`)
    const partner = byName.get(partnerName(tensor.name, side))
    if (partner === undefined) throw corrupt(`The matrix ${tensor.name} has no partner.`)
    if (side === 'A' && !ranksAgree(tensor, partner)) throw corrupt(`The matrices of ${tensor.name} do not fit each other.`)
  }
}

function partnerName(name: string, side: string): string {
  const at = name.lastIndexOf('lora_')
  return name.slice(0, at) + name.slice(at).replace(side === 'A' ? /A(?=\.weight$|$)/ : /B(?=\.weight$|$)/, side === 'A' ? 'B' : 'A')
}

function ranksAgree(a: TensorInfo, b: TensorInfo): boolean {
  return a.shape.length === 2 && b.shape.length === 2 && a.shape[0] === b.shape[1]
}
