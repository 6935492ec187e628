import { seededRandom } from '@stack/core'
import { describe, expect, it } from 'vitest'
import { formatIpv6, parseIpv6 } from '../src/wire.ts'

describe('the text form of addresses', () => {
  // RFC 4291 §2.2, RFC 5952 §4 and §5
  it.each([
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['2001:DB8:0:0:8:800:200C:417A', '2001:db8::8:800:200c:417a'],
    ['2001:0db8::0001', '2001:db8::1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['ff02:0:0:0:0:1:ff00:1', 'ff02::1:ff00:1'],
    ['::ffff:192.0.2.1', '::ffff:192.0.2.1'],
    ['::ffff:c000:201', '::ffff:192.0.2.1'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['::2:3:4:5:6:7:8', '0:2:3:4:5:6:7:8'],
    ['1:2:3:4:5:6:1.2.3.4', '1:2:3:4:5:6:102:304'],
  ])('%s is %s', (text, canonical) => {
    const words = parseIpv6(text)
    expect(words).not.toBeNull()
    expect(formatIpv6(words!)).toBe(canonical)
  })

  it.each([
    '', ':', ':::', '1', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '1::2::3', '1:2:3:4:5:6:7:8::', '::1:2:3:4:5:6:7:8', '12345::', 'g::',
    '1:::2', '1:2:3:4:5:6:7:', ':1:2:3:4:5:6:7', '::1.2.3', '::1.2.3.4.5', '::256.1.1.1', '::01.2.3.4', '1.2.3.4::', '::1.2.3.4:1',
    '1.2.3.4', 'fe80::1%eth0', '2001:db8::/32', '[::1]', ' ::1', '::1 ', '1:2:3:4:5:6:7:1.2.3.4', '::-1', '::0x1', '::+1',
  ])('%j is no address', (text) => {
    expect(parseIpv6(text)).toBeNull()
  })

  it('reads back what it writes, for any words', () => {
    const random = seededRandom(6)
    // Many zero groups, so that every place of "::" occurs.
    const word = (): number => (random.next() < 0.4 ? 0 : random.next() < 0.5 ? random.uint32() & 0xffff0000 : random.uint32()) | 0
    for (let i = 0; i < 5000; i++) {
      const words = { a: word(), b: word(), c: word(), d: word() }
      expect(parseIpv6(formatIpv6(words))).toEqual(words)
    }
  })
})
