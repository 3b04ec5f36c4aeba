import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  hasBrazilianDigits,
  hasFrenchKey,
  hasIbanDigits,
  hasItalianLetter,
  hasLuhnDigit,
  hasSpanishLetter,
  ibanLengthOf,
  machineDigitOf,
} from '../../../../../../main/features/datasets/engine/hygiene/checksums.ts'

describe('check digits', () => {
  it('accepts published samples of every kind', () => {
    for (const card of [
      '4111111111111111',
      '5555555555554444',
      '378282246310005',
      '6011111111111117',
      '3530111333300000',
      '30569309025904',
    ]) {
      expect(hasLuhnDigit(card), card).toBe(true)
    }
    for (const iban of [
      'DE89370400440532013000',
      'GB82WEST12345698765432',
      'FR1420041010050500013M02606',
      'NO9386011117947',
      'MT84MALT011000012345MTLCAST001S',
    ]) {
      expect(hasIbanDigits(iban), iban).toBe(true)
      expect(ibanLengthOf(iban.slice(0, 2)), iban).toBe(iban.length)
    }
    expect(['12345678Z', 'X1234567L', '00000000T'].map(hasSpanishLetter)).toEqual([true, true, true])
    expect(['RSSMRA85T10A562S', 'MRTMTT91D08F205J'].map(hasItalianLetter)).toEqual([true, true])
    expect(['11144477735', '52998224725'].map(hasBrazilianDigits)).toEqual([true, true])
    expect(hasFrenchKey('185057800608491')).toBe(true)
    expect(['L898902C3', '740812', '120415'].map(machineDigitOf)).toEqual([6, 2, 9])
  })

  it('notices every single wrong digit of a card and of an account', () => {
    fc.assert(
      fc.property(fc.constantFrom('4111111111111111', '378282246310005'), fc.nat(), fc.integer({ min: 1, max: 9 }), (card, place, step) => {
        const at = place % card.length
        expect(hasLuhnDigit(card.slice(0, at) + ((Number(card[at]) + step) % 10) + card.slice(at + 1))).toBe(false)
      }),
      { seed: 1, numRuns: 200 },
    )
    fc.assert(
      fc.property(fc.integer({ min: 4, max: 21 }), fc.integer({ min: 1, max: 9 }), (at, step) => {
        const iban = 'DE89370400440532013000'
        expect(hasIbanDigits(iban.slice(0, at) + ((Number(iban[at]) + step) % 10) + iban.slice(at + 1))).toBe(false)
      }),
      { seed: 2, numRuns: 200 },
    )
  })

  it('knows the length of no country that has no account numbers of this kind', () => {
    expect([ibanLengthOf('US'), ibanLengthOf('ZZ'), ibanLengthOf('de')]).toEqual([0, 0, 0])
  })
})
