/** Control tokens of the models in use, as they would stand in a text. */
const specialToken =
  /<\|[a-zA-Z0-9_]{2,40}\|>|<\uFF5C[^<>\n]{1,40}\uFF5C>|<(?:start|end)_of_turn>|<(?:bos|eos|pad|unk)>|\[\/?INST\]|\[\/?(?:TOOL_CALLS|TOOL_RESULTS|AVAILABLE_TOOLS)\]|<<\/?SYS>>/

/** The first control token in a text; null when there is none. */
export function findSpecialToken(text: string): string | null {
  const found = specialToken.exec(text)
  if (found !== null) return found[0]
  // <s> and </s> are also HTML for struck-out text, where they come in pairs.
  const opens = text.includes('<s>')
  return opens === text.includes('</s>') ? null : opens ? '<s>' : '</s>'
}

const squareToken = /\[\/?(?:INST\]|TOOL_|AVAILABLE_)/

/** True when a row's JSON text could hold a control token; `hasAngle` and `hasSquare` say what its bytes promise. */
export function mayHoldSpecialToken(json: string, hasAngle: boolean, hasSquare: boolean): boolean {
  if (hasAngle) {
    for (let at = json.indexOf('<'); at >= 0; at = json.indexOf('<', at + 1)) {
      if (startsToken(json.charCodeAt(at + 1), json.charCodeAt(at + 2), json.charCodeAt(at + 3))) return true
    }
  }
  return hasSquare && squareToken.test(json)
}

/** Tells `<eos>` from `<em>`, so that the texts of a page of HTML are not searched again. */
function startsToken(first: number, second: number, third: number): boolean {
  switch (first) {
    case 124: // <|
    case 0xff5c: // the wide bar
      return true
    case 60: // <<SYS>>, <</SYS>>
      return second === 83 || second === 47
    case 47: // </s>
      return second === 115 && third === 62
    case 115: // <s>, <start_of_turn>
      return second === 62 || (second === 116 && third === 97)
    case 101: // <eos>, <end_of_turn>
      return (second === 111 && third === 115) || (second === 110 && third === 100)
    case 98: // <bos>
      return second === 111 && third === 115
    case 112: // <pad>
      return second === 97 && third === 100
    case 117: // <unk>
      return second === 110 && third === 107
    default:
      return false
  }
}
