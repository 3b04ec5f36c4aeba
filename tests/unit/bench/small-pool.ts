import type { PoolLanguage, TextPool } from '../../bench/corpus/pool.ts'

const texts: Readonly<Record<string, readonly string[]>> = {
  en: [
    'The lease ends when either side gives notice in writing, and the notice must reach the other side a month before. Say "when" plainly.',
    'A patient who is told what will happen, and why, is calmer; that isn’t a matter of kindness alone — it shortens the stay as well.',
    'Run the easy miles easily. Most who fail at long distances have run their slow days too fast and their fast days too slowly.',
  ],
  code: [
    'export function sum(values: readonly number[]): number {\n  let total = 0\n  for (const value of values) total += value\n  return total\n}',
    'def area(width, height):\n    """The area of a rectangle."""\n    return width * height\n\n\nprint(area(2, 3))\nprint("\\n")',
  ],
  de: ['Die Kündigung muss schriftlich erfolgen; über die Frist entscheidet, was im Vertrag steht, und nicht, was üblich ist.'],
  zh: ['合同的终止必须以书面形式通知对方，通知期限以合同约定为准；没有约定的，应当在合理期限之前通知对方。😀'],
  ar: ['يجب أن يكون الإخطار كتابيًا وأن يصل إلى الطرف الآخر قبل شهر على الأقل من التاريخ المحدد في العقد.'],
}

/** A pool of a few paragraphs, for tests that need no real one. */
export const smallPool: TextPool = {
  recipe: 'small',
  languages: Object.entries(texts).map(([language, paragraphs]): PoolLanguage => ({
    language,
    bytes: Buffer.byteLength(paragraphs.join('')),
    count: paragraphs.length,
    paragraph: (index) => paragraphs[index] ?? '',
  })),
}
