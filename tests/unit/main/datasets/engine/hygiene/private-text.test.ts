import { describe, expect, it } from 'vitest'
import { flagOf } from '../../../../../../main/features/datasets/engine/hygiene/flags.ts'
import { hintsFor, matchPrivate } from '../../../../../../main/features/datasets/engine/hygiene/private-text.ts'

const found = (text: string) =>
  matchPrivate(text, hintsFor(text)).map(({ flag, start, end }) => `${flagOf(flag).id} ${text.slice(start, end)}`)
/** Keys are put together here, so that no scanner takes this file for a leak. */
const letters = 'aB3dE5gH7jK9mN1pQ3rS5tU7vW9xY1zA3bC5dE7fG9hJ1kL3mN5pQ7rS9tU1vW3'
const key = (prefix: string, length: number) => prefix + letters.slice(0, length)
const aws = ['AKIA', 'IOSFODNN7QRSTUVW'].join('')
const jwt = `${['eyJhbGciOiJIUzI1NiJ9', 'eyJzdWIiOiI4MTU3MzkifQ'].join('.')}.${letters.slice(0, 43)}`
const block = (kind: string) => `-----BEGIN ${kind}-----\n${letters}\n${letters.slice(0, 20)}==\n-----END ${kind}-----`

describe('private data in text', () => {
  const cases: readonly (readonly [string, string, readonly string[]])[] = [
    ['e-mail', 'Write to anna.maier+x@mail.firma.co.uk.', ['anna.maier+x@mail.firma.co.uk']],
    ['e-mail', '<a_b@x-y.org>, "c%d@e.de"; email=f@g.info.I wait', ['a_b@x-y.org', 'c%d@e.de', 'f@g.info']],
    ['e-mail', 'jürgen@straße.example and müller@web.de', ['müller@web.de']],
    ['e-mail', 'logo@2x.png pkg@1.2.3 @app.route user@host git@github.com:a/b a@@b.com x@y..com @ a@b', []],
    ['phone', 'Call +1 (415) 555-0123, (212) 555-7890 or 415-555-0199.', ['+1 (415) 555-0123', '(212) 555-7890', '415-555-0199']],
    [
      'phone',
      '06 12 34 56 78; 020 7946 0958; 0171-1234567; 030/12345678',
      ['06 12 34 56 78', '020 7946 0958', '0171-1234567', '030/12345678'],
    ],
    ['phone', 'Tel.: 5551234, mobile 0664 123 45 67, +49 30 1234567', ['5551234', '0664 123 45 67', '+49 30 1234567']],
    ['phone', '2024-10-12 10:30, 512 256 1024, 1,234,567, 3.14159265, 5551234, 0x12345678, 978-3-16-148410-0, 10-20-30', []],
    ['phone', 'a + 12345, ++1234567, 1+4915112345678, 123-456-7890123, 12345678901234567890, +1 2 3 4 5 6 7 8', []],
    ['address', 'from 93.184.216.34:80 and 8.8.4.40', ['93.184.216.34', '8.8.4.40']],
    [
      'address',
      '10.0.0.1 127.0.0.1 192.168.10.20 172.16.10.10 1.2.3.4 v12.13.14.15 version 12.13.14.15 300.1.1.12 1.22.3.4.5 192.0.2.17',
      [],
    ],
    ['IBAN', 'DE89 3704 0044 0532 0130 00 and GB82WEST12345698765432.', ['DE89 3704 0044 0532 0130 00', 'GB82WEST12345698765432']],
    ['IBAN', 'DE89 3704 0044 0532 0130 01, DE8937040044053201300, XDE89370400440532013000, ZZ89370400440532013000', []],
    [
      'card',
      '4111 1111 1111 1111, 5555-5555-5555-4444, 378282246310005',
      ['4111 1111 1111 1111', '5555-5555-5555-4444', '378282246310005'],
    ],
    ['card', '4111 1111 1111 1112, 41111111111111111, 0.4111111111111111, 4111-1111 1111-1111, 1234567812345670', []],
    ['SSN', '123-45-6789', ['123-45-6789']],
    ['SSN', '000-12-3456 666-12-3456 912-34-5678 123-00-6789 123-45-0000 078-05-1120 2123-45-6789 123-45-67890 12-345-6789', []],
    [
      'identity',
      '12345678Z X1234567L RSSMRA85T10A562S 111.444.777-35 1 85 05 78 006 084 91',
      ['12345678Z', 'X1234567L', 'RSSMRA85T10A562S', '111.444.777-35', '1 85 05 78 006 084 91'],
    ],
    ['identity', '12345678A RSSMRA85T10A562T 111.444.777-36 1 85 05 78 006 084 92 20240101T 111.111.111-11', []],
    [
      'passport',
      `P<UTOERIKSSON<<ANNA<MARIA${'<'.repeat(19)}\nL898902C36UTO7408122F1204159ZE184226B<<<<<10`,
      [`P<UTOERIKSSON<<ANNA<MARIA${'<'.repeat(19)}\nL898902C36UTO7408122F1204159ZE184226B<<<<<10`],
    ],
    ['passport', `P<UTOERIKSSON<<ANNA<MARIA${'<'.repeat(19)}\nL898902C37UTO7408122F1204159ZE184226B<<<<<10`, []],
    ['AWS', `id ${aws}.`, [aws]],
    ['AWS', 'AKIAIOSFODNN7EXAMPLE AKIAXXXXXXXXXXXXXXXX AKIAIOSFODNN7QRSTUVWX', []],
    ['GitHub', key('ghp_', 36), [key('ghp_', 36)]],
    ['GitHub', `ghp_${'x'.repeat(36)} ghp_short`, []],
    ['Hugging Face', `token=${key('hf_', 34)}`, [key('hf_', 34)]],
    ['OpenAI', `${key('sk-proj-', 40)} ${key('sk-', 48)}`, [key('sk-proj-', 40), key('sk-', 48)]],
    ['OpenAI', 'sk-your-api-key-here-please-do sk-learn-something-new-today-now sk-1234567890abcdefghijklmnopqrstuvwxyz1234567890ab', []],
    ['Anthropic', key('sk-ant-api03-', 60), [key('sk-ant-api03-', 60)]],
    ['RunPod', key('rpa_', 42), [key('rpa_', 42)]],
    ['Slack', key('xoxb-', 40), [key('xoxb-', 40)]],
    ['Google', key('AIza', 35), [key('AIza', 35)]],
    ['JWT', `Cookie: t=${jwt};`, [jwt]],
    ['PEM', `x\n${block('RSA PRIVATE KEY')}\ny`, [block('RSA PRIVATE KEY')]],
    ['PEM', `${block('PUBLIC KEY')} -----BEGIN PRIVATE KEY-----\n…\n-----END PRIVATE KEY-----`, []],
    [
      'setting',
      `api_key = "${letters.slice(0, 20)}"\n"client_secret": "${letters.slice(5, 37)}"`,
      [letters.slice(0, 20), letters.slice(5, 37)],
    ],
    [
      'setting',
      `export DB_PASSWORD='${letters.slice(3, 23)}' Authorization: Bearer ${letters.slice(0, 30)}`,
      [letters.slice(3, 23), letters.slice(0, 30)],
    ],
    [
      'setting',
      `password = generate_random_password_1() token: your-api-token-goes-here-12 primary_key=${letters.slice(0, 20)} secret: aaaaaaaaaaaaaaaa11`,
      [],
    ],
    ['setting', `aws_secret_access_key = wJalr/XUtnFEMI+K7MDENGbPxRfiCYzE8kQ2LtNv0a`, ['wJalr/XUtnFEMI+K7MDENGbPxRfiCYzE8kQ2LtNv0a']],
    ['setting', 'token: /usr/local/lib/python3.11/site-packages/x12345 credentials=config/prod2/secrets_of_the_team_v2', []],
    ['setting', 'password: the_quick_brown_fox_jumps token = next_page_token_value SECRET_KEY=os.environ_get_secret_key', []],
  ]
  it.each(cases)('finds every %s and takes nothing else for one: %s', (_kind, text, expected) => {
    expect(found(text).map((line) => line.slice(line.indexOf(' ') + 1))).toEqual(expected)
  })

  it('names each finding by the flag it is counted under', () => {
    const text = `a@b.org 415-555-0199 93.184.216.34 GB82WEST12345698765432 4111111111111111 123-45-6789 12345678Z ${key('hf_', 34)} ${jwt} ${key('sk-ant-api03-', 30)}`
    expect(found(text).map((line) => line.split(' ')[0])).toEqual([
      'privacy.email',
      'privacy.phone',
      'privacy.ipv4',
      'privacy.iban',
      'privacy.card',
      'privacy.ssn',
      'privacy.national_id',
      'secret.huggingface_token',
      'secret.jwt',
      'secret.anthropic_key',
    ])
  })

  it('reports a stretch once when two kinds of it overlap', () => {
    expect(found(`https://x/?jwt=${jwt}&to=415-555-0199@phones.org`)).toEqual([
      `secret.jwt ${jwt}`,
      'privacy.email 415-555-0199@phones.org',
    ])
  })
})
