import { describe, expect, it } from 'vitest'
import { OWN_MAC, PEER_MAC, bench } from './support/bench.ts'
import type { Bench } from './support/bench.ts'
import { advertisement, ping, solicitation } from './support/packets.ts'

const LINK_LOCAL = 'fe80::ff:fe00:1'
const GROUP = 'ff02::1:ff00:1'
const GROUP_MAC = '33:33:ff:00:00:01'
const PROBE = `[${GROUP_MAC}] :: > ${GROUP} hop 255: who has ${LINK_LOCAL}? nonce`

/** On Ethernet, with detection. */
const detecting = { options: {}, link: { framing: 'ethernet' as const }, nic: { skipDuplicateDetection: false } }

function states(b: Bench): string[] {
  return b.nic.addresses.map(({ address, prefixLength, state }) => `${address.replace(/%.*/, '')}/${prefixLength} ${state}`)
}

describe('duplicate address detection (RFC 4862 §5.4)', () => {
  it('the link-local address is made from the link address, probed within a second, and ours a second later [RFC4862-5.3-link-local, RFC4862-5.4.2-join, RFC4862-5.4.2-probe]', async () => {
    const b = await bench(detecting)
    expect(states(b)).toEqual([`${LINK_LOCAL}/64 tentative`])
    await b.clock.advance(1000)
    expect(b.sent()).toEqual([PROBE])
    expect(states(b)).toEqual([`${LINK_LOCAL}/64 tentative`])
    await b.clock.advance(1000)
    expect(states(b)).toEqual([`${LINK_LOCAL}/64 assigned`])
    expect(b.sent()).toEqual([])
    b.end()
  })

  it('until then nobody gets an answer (LESSONS: DAD source address) [RFC4862-5.4.3-silence]', async () => {
    const b = await bench(detecting)
    await b.clock.advance(1000)
    b.sent()
    b.send(ping('fe80::2', LINK_LOCAL, 'early'))
    b.send(solicitation('fe80::2', GROUP, LINK_LOCAL, { sourceLink: PEER_MAC }), GROUP_MAC)
    expect(b.sent()).toEqual([])
    expect(b.counters()).toMatchObject({ dropNotLocal: 1, solicitationsReceived: 1 })
    expect(states(b)).toEqual([`${LINK_LOCAL}/64 tentative`])
    b.end()
  })

  it('somebody who has it says so: it is a duplicate [RFC4862-5.4.4-na, RFC4862-5.4.5-fail]', async () => {
    const b = await bench(detecting)
    await b.clock.advance(1000)
    b.send(advertisement(LINK_LOCAL, 'ff02::1', LINK_LOCAL, { flags: 'O', targetLink: PEER_MAC }), '33:33:00:00:00:01')
    expect(states(b)).toEqual([`${LINK_LOCAL}/64 duplicate`])
    await b.clock.advance(5000)
    expect(states(b)).toEqual([`${LINK_LOCAL}/64 duplicate`])
    expect(b.counters().duplicatesDetected).toBe(1)
    b.end()
  })

  it('somebody who wants it too asks: it is a duplicate [RFC4862-5.4.2-join, RFC4862-5.4.3-ns]', async () => {
    const b = await bench(detecting)
    b.send(solicitation('::', GROUP, LINK_LOCAL, { nonce: [1, 2, 3, 4, 5, 6] }), GROUP_MAC)
    expect(states(b)).toEqual([`${LINK_LOCAL}/64 duplicate`])
    b.end()
  })

  it('the own probe that comes back is no duplicate (RFC 7527) [RFC4862-5.4.3-ns]', async () => {
    const b = await bench(detecting)
    await b.clock.advance(1000)
    const [probe] = b.sentBytes()
    b.link.inject(probe!)
    expect(b.counters().ndpLoopedBack).toBe(1)
    await b.clock.advance(1000)
    expect(states(b)).toEqual([`${LINK_LOCAL}/64 assigned`])
    b.end()
  })

  it('an address that a person adds later is probed at once [RFC4862-5.4-unique, RFC4862-5.4.5-fail]', async () => {
    const b = await bench(detecting)
    await b.clock.advance(3000)
    b.sent()
    const added = b.nic.addAddress('2001:db8::7/64', { optimistic: false })
    await b.clock.advance(1)
    expect(b.sent()).toEqual(['[33:33:ff:00:00:07] :: > ff02::1:ff00:7 hop 255: who has 2001:db8::7? nonce'])
    await b.clock.until(added)
    expect(states(b)).toContain('2001:db8::7/64 assigned')
    const again = b.nic.addAddress('2001:db8::8/64', { optimistic: false })
    const refused = expect(again).rejects.toMatchObject({ code: 'EADDRINUSE' })
    b.send(advertisement('2001:db8::8', 'ff02::1', '2001:db8::8', { targetLink: PEER_MAC }), '33:33:00:00:00:01')
    await b.clock.settle()
    await refused
    b.end()
  })

  it('starts anew when the interface comes up again', async () => {
    const b = await bench(detecting)
    await b.clock.advance(3000)
    b.sent()
    b.nic.down()
    b.nic.up()
    await b.clock.advance(1000)
    expect(b.sent()).toEqual([PROBE])
    await b.clock.advance(1000)
    expect(states(b)).toEqual([`${LINK_LOCAL}/64 assigned`])
    b.end()
  })

  it('as many probes as asked for [RFC4862-5.1-transmits]', async () => {
    const b = await bench({ ...detecting, options: { duplicateAddressDetectTransmits: 3 } })
    await b.clock.advance(3000)
    expect(b.sent()).toEqual([PROBE, PROBE, PROBE])
    expect(states(b)).toEqual([`${LINK_LOCAL}/64 tentative`])
    await b.clock.advance(1000)
    expect(states(b)).toEqual([`${LINK_LOCAL}/64 assigned`])
    b.end()
  })
})

it('no probes asked for: no detection [RFC4862-5.1-transmits]', async () => {
  const b = await bench({ ...detecting, options: { duplicateAddressDetectTransmits: 0 } })
  await b.clock.advance(1)
  expect(states(b)).toEqual([`${LINK_LOCAL}/64 assigned`])
  await b.clock.advance(5000)
  expect(b.sent()).toEqual([])
  b.end()
})

describe('stable identifiers (RFC 7217)', () => {
  const secret = Uint8Array.from({ length: 16 }, (_, i) => i)

  it('are the same for the same secret and interface, different otherwise, and not made from the link address [RFC8504-6.3-opaque]', async () => {
    const identifiers: string[] = []
    for (const [key, name] of [[secret, 'a'], [secret, 'a'], [secret, 'b'], [Uint8Array.from(secret, (byte) => byte + 1), 'a']] as const) {
      const b = await bench({ ...detecting, options: { linkLocal: 'stable', secret: key }, nic: { name, skipDuplicateDetection: true } })
      identifiers.push(states(b)[0]!)
      b.end()
    }
    expect(identifiers[1]).toBe(identifiers[0])
    expect(new Set(identifiers).size).toBe(3)
    expect(identifiers.join()).not.toContain('ff:fe')
  })

  it('a duplicate has successors, three at most', async () => {
    const b = await bench({ ...detecting, options: { linkLocal: 'stable', secret } })
    for (let i = 0; i < 4; i++) {
      const tentative = states(b).find((line) => line.endsWith('tentative'))!.split('/')[0]!
      b.send(advertisement(tentative, 'ff02::1', tentative, { targetLink: PEER_MAC }), '33:33:00:00:00:01')
    }
    await b.clock.advance(5000)
    // The last one stays to be seen.
    expect(states(b)).toMatchObject([expect.stringMatching(/duplicate$/)])
    expect(b.counters().duplicatesDetected).toBe(4)
    b.end()
  })

  it('serve links without link addresses', async () => {
    const b = await bench({ options: {}, nic: { skipDuplicateDetection: false } })
    await b.clock.advance(2000)
    expect(states(b)).toMatchObject([expect.stringMatching(/^fe80::[0-9a-f:]+\/64 assigned$/)])
    b.end()
  })

  it('and none where it is turned off', async () => {
    const b = await bench({ ...detecting, options: { linkLocal: false } })
    await b.clock.advance(3000)
    expect(states(b)).toEqual([])
    expect(b.sent()).toEqual([])
    b.end()
  })
})

describe('an optimistic address (RFC 4429)', () => {
  const OWN = '2001:db8::7'
  const OWN_GROUP = 'ff02::1:ff00:7'
  const OWN_GROUP_MAC = '33:33:ff:00:00:07'

  async function optimistic(): Promise<Bench> {
    const b = await bench({ ...detecting, options: { linkLocal: false } })
    await b.nic.addAddress(`${OWN}/64`)
    expect(states(b)).toEqual([`${OWN}/64 optimistic`])
    return b
  }

  it('§3.3: answers who asks, but overrides nobody', async () => {
    const b = await optimistic()
    b.send(solicitation('2001:db8::2', OWN_GROUP, OWN, { sourceLink: PEER_MAC }), OWN_GROUP_MAC)
    const early = b.sent()
    await b.clock.advance(3000)
    expect(states(b)).toEqual([`${OWN}/64 assigned`])
    b.sent()
    b.send(solicitation('2001:db8::2', OWN_GROUP, OWN, { sourceLink: PEER_MAC }), OWN_GROUP_MAC)
    const answer = `[${PEER_MAC}] ${OWN} > 2001:db8::2 hop 255: ${OWN} is here,`
    expect([early, b.sent()]).toEqual([[`${answer} S at ${OWN_MAC}`], [`${answer} SO at ${OWN_MAC}`]])
    b.end()
  })

  it('§3.2: asks without telling its link address', async () => {
    const b = await optimistic()
    b.nic.neighbors.resolve('2001:db8::2').catch(() => undefined)
    await b.clock.advance(1)
    expect(b.sent()).toEqual([`[33:33:ff:00:00:02] ${OWN} > ff02::1:ff00:2 hop 255: who has 2001:db8::2?`])
    await b.clock.advance(10_000)
    b.sent()
    b.nic.neighbors.resolve('2001:db8::4').catch(() => undefined)
    await b.clock.advance(1)
    expect(b.sent()).toEqual([`[33:33:ff:00:00:04] ${OWN} > ff02::1:ff00:4 hop 255: who has 2001:db8::4? from ${OWN_MAC}`])
    await b.clock.advance(10_000)
    b.end()
  })

  it.each([
    ['advertises', advertisement(OWN, 'ff02::1', OWN, { targetLink: PEER_MAC }), '33:33:00:00:00:01'],
    ['probes for', solicitation('::', OWN_GROUP, OWN, {}), OWN_GROUP_MAC],
  ])('goes when somebody %s it', async (_, message, to) => {
    const b = await optimistic()
    b.send(message, to)
    await b.clock.settle()
    expect(states(b)).toEqual([`${OWN}/64 duplicate`])
    b.end()
  })

  it('stays in use when the interface comes up again', async () => {
    const b = await optimistic()
    await b.clock.advance(3000)
    b.nic.down()
    b.nic.up()
    expect(states(b)).toEqual([`${OWN}/64 optimistic`])
    await b.clock.advance(3000)
    expect(states(b)).toEqual([`${OWN}/64 assigned`])
    b.end()
  })
})
