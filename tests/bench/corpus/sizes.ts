/** Size of the full corpus: 500 MiB. */
export const fullBytes = 524_288_000
/** The seed that published figures are measured with. */
export const defaultSeed = 20_261_123
