import type { Packet } from '@stack/buffer'
import { describe, expect, it } from 'vitest'
import { mappedAddress, type Address } from '../src/address/address.ts'
import { isStackError } from '../src/errors/stack-error.ts'
import { createNeighborTable } from '../src/neighbor/neighbor-table.ts'
import { formatLinkAddress, parseLinkAddress } from '../src/nic/ethernet.ts'
import type { Random } from '../src/registration/host.ts'
import type { Neighbor, NeighborOptions, NeighborTable } from '../src/registration/neighbor.ts'
import { fakeHost, steadyRandom, type FakeHost } from './support/fake-host.ts'

const peer = (n: number): Address => mappedAddress(0x0a000000 | n)
const own = peer(254)
const MAC_A = parseLinkAddress('02:00:00:00:00:0a')!
const MAC_B = parseLinkAddress('02:00:00:00:00:0b')!
const GROUP_MAC = parseLinkAddress('01:00:5e:00:00:01')!

const SOLICITED = { solicited: true, override: true, isRouter: false }
const SOLICITED_KEEP = { solicited: true, override: false, isRouter: false }

interface World extends FakeHost {
  readonly table: NeighborTable
  /** What happened, since the last look. */
  trace(): string[]
  readonly counters: { dropNeighborQueueFull: number }
  send(to: number, mark?: number): string | null
  state(n: number): string | undefined
  /** Fails the next requests. */
  requestFails: boolean
  onUnreachable: (packet: Packet) => void
}

function world(options: NeighborOptions = {}, random: Random = steadyRandom()): World {
  const fake = fakeHost(random)
  const log: string[] = []
  const counters = { dropNeighborQueueFull: 0 }
  const nameOf = (address: Address): number => address.d & 0xff
  const table = createNeighborTable({
    host: fake.host,
    nicId: 1,
    options,
    counters,
    resolver: {
      linkAddressProtocol: 0x0800,
      linkAddressRequest(address, local, linkAddress) {
        expect(local).toBe(own)
        log.push(linkAddress === null ? `ask all for ${nameOf(address)}` : `ask ${formatLinkAddress(linkAddress)} for ${nameOf(address)}`)
        return w.requestFails ? 'ENETDOWN' : null
      },
      resolveStaticAddress: (address) => (address.d === -1 ? GROUP_MAC : null),
    },
    localAddressFor: () => own,
    sendResolved(packet, linkAddress) {
      log.push(`packet ${packet.mark} to ${formatLinkAddress(linkAddress)}`)
      packet.release()
      return null
    },
    unreachable(packet) {
      log.push(`packet ${packet.mark} unreachable`)
      w.onUnreachable(packet)
      packet.release()
    },
    onChange(neighbor: Neighbor, removed) {
      log.push(`${nameOf(neighbor.address)} ${removed ? 'removed' : neighbor.state}`)
    },
  })
  const w: World = {
    ...fake,
    table,
    counters,
    requestFails: false,
    onUnreachable: () => undefined,
    trace: () => log.splice(0),
    send: (to, mark = 0) => table.send(table.lookup(peer(to))!, fake.packet(mark)),
    state: (n) => table.list().find(({ address }) => address.d === peer(n).d)?.state,
  }
  return w
}

/** A world in which neighbour 1 answered and is reachable for 30 s. */
function reachable(options: NeighborOptions = {}, random?: Random): World {
  const w = world(options, random)
  w.send(1)
  w.table.handleConfirmation(peer(1), MAC_A, SOLICITED)
  w.trace()
  return w
}

function done(w: World): void {
  w.table.close()
  w.advance()
  expect(w.pool.packets).toBe(0)
  expect(w.host.timers.armed).toBe(0)
}

describe('resolution', () => {
  it('asks, keeps packets in order, and sends them with the answer [RFC1122-2.3.2.2-queue, RFC4861-7.2.2-send]', () => {
    const w = world()
    expect(w.send(1, 1)).toBeNull()
    expect(w.send(1, 2)).toBeNull()
    expect(w.trace()).toEqual(['ask all for 1', '1 incomplete'])
    w.table.handleConfirmation(peer(1), MAC_A, SOLICITED)
    expect(w.trace()).toEqual(['packet 1 to 02:00:00:00:00:0a', 'packet 2 to 02:00:00:00:00:0a', '1 reachable'])
    w.send(1, 3)
    expect(w.trace()).toEqual(['packet 3 to 02:00:00:00:00:0a'])
    done(w)
  })

  it('asks three times, a second apart, then tells each packet that waited [RFC1122-2.3.2.1-flood, RFC4861-7.2.2-send, RFC4861-7.2.2-fail]', () => {
    const w = world()
    w.send(1, 1)
    w.advance(999)
    w.send(1, 2)
    expect(w.trace()).toEqual(['ask all for 1', '1 incomplete'])
    w.advance(1)
    w.advance(1000)
    expect(w.trace()).toEqual(['ask all for 1', 'ask all for 1'])
    w.advance(1000)
    expect(w.trace()).toEqual(['1 failed', 'packet 1 unreachable', 'packet 2 unreachable'])
    expect(w.pool.packets).toBe(0)
    expect(w.host.timers.armed).toBe(0)
    done(w)
  })

  it('does not ask again for a second after a failure, then does at the next packet [RFC1122-2.3.2.1-flood]', () => {
    const w = world()
    w.send(1, 1)
    w.advance(3000)
    w.trace()
    expect(w.send(1, 2)).toBeNull()
    // Not within the send: the transport hears of it from the run queue.
    expect(w.trace()).toEqual([])
    w.advance(999)
    expect(w.trace()).toEqual(['packet 2 unreachable'])
    w.advance(1)
    w.send(1, 3)
    expect(w.trace()).toEqual(['ask all for 1', '1 incomplete'])
    done(w)
  })

  it('does not storm when each failure makes the transport send again [RFC1122-2.3.2.1-flood]', () => {
    const w = world()
    let sends = 0
    w.onUnreachable = () => {
      if (sends++ < 50) w.send(1, 100 + sends)
    }
    w.send(1, 1)
    w.advance(3000)
    expect(w.trace().filter((line) => line.startsWith('ask'))).toHaveLength(3)
    expect(sends).toBe(51)
    done(w)
  })

  it('goes on when a request could not be sent', () => {
    const w = world()
    w.requestFails = true
    w.send(1, 1)
    w.advance(500)
    w.requestFails = false
    w.advance(500)
    expect(w.trace()).toEqual(['ask all for 1', '1 incomplete', 'ask all for 1'])
    done(w)
  })

  it('is content with a request of the neighbour itself, which proves only one direction', () => {
    const w = world()
    w.send(1, 1)
    w.table.handleProbe(peer(1), MAC_A)
    expect(w.trace()).toEqual(['ask all for 1', '1 incomplete', 'packet 1 to 02:00:00:00:00:0a', '1 stale'])
    expect(w.host.timers.armed).toBe(0)
    done(w)
  })

  it('takes the options of the NIC', () => {
    const w = world({ retransmitTimer: 200, maxMulticastProbes: 2 })
    w.send(1, 1)
    w.advance(400)
    expect(w.trace()).toEqual(['ask all for 1', '1 incomplete', 'ask all for 1', '1 failed', 'packet 1 unreachable'])
    done(w)
  })
})

describe('reachability', () => {
  it('ages, waits 5 s for a hint from above, probes three times, and gives up [RFC1122-2.3.2.1-timeout, RFC4861-7.3.2-states, RFC4861-7.3.3-probe]', () => {
    const w = reachable()
    w.advance(29_999)
    expect(w.trace()).toEqual([])
    w.advance(1)
    expect(w.trace()).toEqual(['1 stale'])
    w.advance(3_600_000)
    expect(w.trace()).toEqual([])
    w.send(1, 1)
    expect(w.trace()).toEqual(['packet 1 to 02:00:00:00:00:0a', '1 delay'])
    w.advance(4999)
    w.send(1, 2)
    expect(w.trace()).toEqual(['packet 2 to 02:00:00:00:00:0a'])
    w.advance(1)
    expect(w.trace()).toEqual(['ask 02:00:00:00:00:0a for 1', '1 probe'])
    w.send(1, 3)
    w.advance(2000)
    expect(w.trace()).toEqual(['packet 3 to 02:00:00:00:00:0a', 'ask 02:00:00:00:00:0a for 1', 'ask 02:00:00:00:00:0a for 1'])
    w.advance(1000)
    expect(w.trace()).toEqual(['1 failed'])
    expect(w.table.list()[0]!.linkAddress).toBeNull()
    // It may have a new link address: ask everybody at once.
    w.send(1, 4)
    expect(w.trace()).toEqual(['ask all for 1', '1 incomplete'])
    done(w)
  })

  it('is confirmed by an answer to a probe', () => {
    const w = reachable()
    w.advance(30_000)
    w.send(1)
    w.advance(5000)
    w.trace()
    w.table.handleConfirmation(peer(1), null, SOLICITED)
    expect(w.trace()).toEqual(['1 reachable'])
    w.advance(29_999)
    expect(w.state(1)).toBe('reachable')
    done(w)
  })

  it('is confirmed by progress above, in Delay and again and again [RFC4861-7.3.1-hint]', () => {
    const w = reachable()
    w.advance(30_000)
    w.send(1)
    const neighbor = w.table.lookup(peer(1))!
    w.table.confirmReachable(neighbor)
    expect(w.trace().at(-1)).toBe('1 reachable')
    for (let i = 0; i < 10; i++) {
      w.advance(20_000)
      w.table.confirmReachable(neighbor)
    }
    expect(w.trace()).toEqual([])
    w.advance(30_000)
    expect(w.trace()).toEqual(['1 stale'])
    done(w)
  })

  it('is doubted when nothing answers above, and asked with the next packet', () => {
    const w = reachable()
    const neighbor = w.table.lookup(peer(1))!
    w.table.doubtReachable(neighbor)
    w.table.doubtReachable(neighbor)
    expect(w.trace().at(-1)).toBe('1 stale')
    // The timer of the reachable time is gone.
    w.advance(60_000)
    expect(w.trace()).toEqual([])
    w.send(1)
    w.advance(5000)
    expect(w.state(1)).toBe('probe')
    w.table.doubtReachable(neighbor)
    expect(w.state(1)).toBe('probe')
    done(w)
  })

  it('does not take progress above for a link address', () => {
    const w = world()
    w.send(1)
    w.table.confirmReachable(w.table.lookup(peer(1))!)
    expect(w.state(1)).toBe('incomplete')
    done(w)
  })

  it.each([
    [0, 15_000],
    [0.999_999, 44_999.97],
  ])('jitters the reachable time: random %d makes it %d ms [RFC4861-6.3.2-random]', (fraction, time) => {
    const w = reachable({}, steadyRandom(fraction))
    w.advance(time - 0.1)
    expect(w.state(1)).toBe('reachable')
    w.advance(0.2)
    expect(w.state(1)).toBe('stale')
    done(w)
  })
})

describe('what peers say', () => {
  it('creates no entry for an answer that nobody asked for [RFC4861-7.2.5-update]', () => {
    const w = world()
    w.table.handleConfirmation(peer(1), MAC_A, SOLICITED)
    expect(w.table.size).toBe(0)
    w.table.lookup(peer(1))
    w.table.handleConfirmation(peer(1), MAC_A, SOLICITED)
    expect(w.table.lookup(peer(1))!.linkAddress).toBeNull()
    done(w)
  })

  it('creates Stale, never Reachable, from a gratuitous ARP or a request', () => {
    const w = world()
    w.table.handleUnsolicited(peer(1), MAC_A)
    w.table.handleProbe(peer(2), MAC_B)
    expect(w.trace()).toEqual(['1 stale', '2 stale'])
    w.send(2, 1)
    expect(w.trace()).toEqual(['packet 1 to 02:00:00:00:00:0b', '2 delay'])
    done(w)
  })

  it('follows a gratuitous ARP to a new link address, as Stale', () => {
    const w = reachable()
    w.table.handleUnsolicited(peer(1), MAC_A)
    expect(w.trace()).toEqual([])
    w.table.handleUnsolicited(peer(1), MAC_B)
    expect(w.trace()).toEqual(['1 stale'])
    w.send(1, 1)
    expect(w.trace()).toEqual(['packet 1 to 02:00:00:00:00:0b', '1 delay'])
    done(w)
  })

  it('keeps the link address against an answer without the Override flag, but doubts it [RFC4861-7.2.5-update]', () => {
    const w = reachable()
    w.table.handleConfirmation(peer(1), MAC_B, SOLICITED_KEEP)
    expect(w.trace()).toEqual(['1 stale'])
    w.send(1, 1)
    expect(w.trace()[0]).toBe('packet 1 to 02:00:00:00:00:0a')
    w.table.handleConfirmation(peer(1), MAC_B, SOLICITED)
    w.send(1, 2)
    expect(w.trace()).toEqual(['1 reachable', 'packet 2 to 02:00:00:00:00:0b'])
    done(w)
  })

  it('takes an announcement (RFC 4861 §7.2.5) with Override as Stale; without, as a doubt; without a link address, as the router flag only', () => {
    const announced = (linkAddress: Uint8Array | null, override: boolean, isRouter = false): string[] => {
      const w = reachable()
      w.table.handleConfirmation(peer(1), linkAddress, { solicited: false, override, isRouter })
      w.send(1, 9)
      const trace = w.trace()
      done(w)
      return trace.filter((line) => !line.endsWith('delay'))
    }
    expect(announced(MAC_A, false)).toEqual(['packet 9 to 02:00:00:00:00:0a'])
    expect(announced(MAC_B, true)).toEqual(['1 stale', 'packet 9 to 02:00:00:00:00:0b'])
    expect(announced(MAC_B, false)).toEqual(['1 stale', 'packet 9 to 02:00:00:00:00:0a'])
    expect(announced(null, true, true)).toEqual(['1 reachable', 'packet 9 to 02:00:00:00:00:0a'])
  })

  it('has no use for hints about a neighbour that it forgot, or for a link address when it is full', () => {
    const w = reachable({ maxEntries: 1 })
    const neighbor = w.table.lookup(peer(1))!
    w.table.remove(peer(1))
    w.trace()
    w.table.confirmReachable(neighbor)
    w.table.doubtReachable(neighbor)
    w.send(2)
    w.table.addLinkAddress(peer(3), MAC_B)
    expect(w.trace()).toEqual(['ask all for 2', '2 incomplete'])
    done(w)
  })

  it('replaces link address objects and copies what it is given', () => {
    const w = reachable()
    const before = w.table.lookup(peer(1))!.linkAddress!
    const given = Uint8Array.from(MAC_B)
    w.table.handleProbe(peer(1), given)
    given.fill(0xee)
    expect(formatLinkAddress(before)).toBe('02:00:00:00:00:0a')
    expect(formatLinkAddress(w.table.lookup(peer(1))!.linkAddress!)).toBe('02:00:00:00:00:0b')
    done(w)
  })

  it('believes no broadcast or multicast link address', () => {
    const w = world()
    w.send(1)
    w.table.handleConfirmation(peer(1), GROUP_MAC, SOLICITED)
    w.table.handleProbe(peer(1), GROUP_MAC)
    w.table.handleUnsolicited(peer(2), GROUP_MAC)
    expect(w.state(1)).toBe('incomplete')
    expect(w.table.size).toBe(1)
    done(w)
  })

  it('notes and tells a router that is none any more', () => {
    const w = reachable()
    w.table.handleConfirmation(peer(1), MAC_A, { ...SOLICITED, isRouter: true })
    expect(w.table.lookup(peer(1))!.isRouter).toBe(true)
    w.trace()
    w.table.handleConfirmation(peer(1), MAC_A, SOLICITED)
    expect(w.trace()).toEqual(['1 reachable'])
    expect(w.table.lookup(peer(1))!.isRouter).toBe(false)
    done(w)
  })
})

describe('static entries', () => {
  it('sends what waits, is never probed, and is not for the network to change', () => {
    const w = world()
    w.send(1, 1)
    w.table.addStatic(peer(1), MAC_A)
    expect(w.trace()).toEqual(['ask all for 1', '1 incomplete', 'packet 1 to 02:00:00:00:00:0a', '1 static'])
    w.table.handleProbe(peer(1), MAC_B)
    w.table.handleUnsolicited(peer(1), MAC_B)
    w.table.handleConfirmation(peer(1), MAC_B, SOLICITED)
    w.table.addLinkAddress(peer(1), MAC_B)
    w.advance(100_000)
    w.send(1, 2)
    expect(w.trace()).toEqual(['packet 2 to 02:00:00:00:00:0a'])
    w.table.flush()
    expect(w.state(1)).toBe('static')
    expect(w.table.remove(peer(1))).toBe(true)
    expect(w.table.remove(peer(1))).toBe(false)
    done(w)
  })

  it('may fill the table, which then says so', () => {
    const w = world({ maxEntries: 2 })
    w.table.addStatic(peer(1), MAC_A)
    w.table.addStatic(peer(2), MAC_A)
    expect(w.table.lookup(peer(3))).toBeNull()
    try {
      w.table.addStatic(peer(3), MAC_A)
      expect.unreachable()
    } catch (error) {
      expect(isStackError(error) && error.code).toBe('ERR_STACK_LIMIT')
    }
    w.table.handleProbe(peer(3), MAC_A)
    expect(w.table.size).toBe(2)
    done(w)
  })

  it('takes a hint as Stale', () => {
    const w = world()
    w.table.addLinkAddress(peer(1), MAC_A)
    expect(w.state(1)).toBe('stale')
    done(w)
  })
})

describe('entries that go', () => {
  it('fails what waits and forgets what is dynamic when the carrier is lost', () => {
    const w = reachable()
    w.send(2, 1)
    w.trace()
    w.table.flush()
    w.advance()
    expect(w.trace()).toEqual(['1 removed', '2 removed', 'packet 1 unreachable'])
    expect(w.table.size).toBe(0)
    expect(w.host.timers.armed).toBe(0)
    done(w)
  })

  it('lets a Route go on with an entry that was removed: it comes back and is resolved anew', () => {
    const w = reachable()
    const held = w.table.lookup(peer(1))!
    w.table.remove(peer(1))
    w.trace()
    expect(held.linkAddress).toBeNull()
    w.table.send(held, w.packet(1))
    expect(w.trace()).toEqual(['ask all for 1', '1 incomplete'])
    expect(w.table.lookup(peer(1))).toBe(held)
    done(w)
  })

  it('lets a Route with a removed entry use its successor', () => {
    const w = reachable()
    const held = w.table.lookup(peer(1))!
    w.table.remove(peer(1))
    w.table.handleProbe(peer(1), MAC_B)
    w.trace()
    w.table.confirmReachable(held)
    w.table.send(held, w.packet(1))
    expect(w.trace()).toEqual(['1 reachable', 'packet 1 to 02:00:00:00:00:0b'])
    expect(w.table.size).toBe(1)
    done(w)
  })

  it('releases everything and answers everybody at close, and takes nothing any more', () => {
    const w = reachable()
    const held = w.table.lookup(peer(1))!
    w.send(2, 1)
    const answers: unknown[] = []
    w.table.getLinkAddress(peer(2), (_, failure) => answers.push(failure))
    w.table.close()
    w.table.close()
    expect(w.pool.packets).toBe(0)
    expect(w.host.timers.armed).toBe(0)
    expect(w.table.send(held, w.packet(2))).toBe('ENETDOWN')
    expect(w.table.lookup(peer(3))).toBeNull()
    w.table.handleProbe(peer(3), MAC_A)
    w.table.addStatic(peer(3), MAC_A)
    w.table.getLinkAddress(peer(3), (_, failure) => answers.push(failure))
    w.advance(10_000)
    expect(answers).toEqual(['ERR_STACK_CLOSED', 'ERR_STACK_CLOSED'])
    expect(w.table.size).toBe(0)
    expect(w.pool.packets).toBe(0)
  })
})

describe('getLinkAddress', () => {
  function ask(w: World, n: number | Address): { answers: (string | null)[]; cancel: () => void } {
    const answers: (string | null)[] = []
    const cancel = w.table.getLinkAddress(typeof n === 'number' ? peer(n) : n, (linkAddress, failure) => {
      answers.push(linkAddress === null ? failure : formatLinkAddress(linkAddress))
    })
    return { answers, cancel }
  }

  it('answers once, from the run queue, when the answer comes', () => {
    const w = world()
    const { answers } = ask(w, 1)
    expect(w.trace()).toEqual(['ask all for 1', '1 incomplete'])
    w.table.handleConfirmation(peer(1), MAC_A, SOLICITED)
    expect(answers).toEqual([])
    w.advance()
    w.table.handleConfirmation(peer(1), MAC_B, SOLICITED)
    w.advance(100_000)
    expect(answers).toEqual(['02:00:00:00:00:0a'])
    done(w)
  })

  it('answers what it knows, and what needs no resolution', () => {
    const w = reachable()
    const known = ask(w, 1)
    const broadcast = ask(w, mappedAddress(-1))
    w.advance()
    expect([known.answers, broadcast.answers]).toEqual([['02:00:00:00:00:0a'], ['01:00:5e:00:00:01']])
    done(w)
  })

  it('fails with the resolution, and at once within a second of it', () => {
    const w = world()
    const first = ask(w, 1)
    w.advance(3000)
    const second = ask(w, 1)
    w.advance()
    expect([first.answers, second.answers]).toEqual([['EHOSTDOWN'], ['EHOSTDOWN']])
    done(w)
  })

  it('fails when the entry is removed or the carrier lost', () => {
    const w = world()
    const [first, second] = [ask(w, 1), ask(w, 2)]
    w.table.remove(peer(1))
    w.table.flush()
    w.advance()
    expect([first.answers, second.answers]).toEqual([['EHOSTDOWN'], ['ENETDOWN']])
    done(w)
  })

  it('never calls back after cancel, even when the answer is in', () => {
    const w = world()
    const [first, second] = [ask(w, 1), ask(w, 1)]
    first.cancel()
    w.table.handleConfirmation(peer(1), MAC_A, SOLICITED)
    second.cancel()
    w.advance()
    expect([first.answers, second.answers]).toEqual([[], []])
    done(w)
  })

  it('hands what a callback throws to onError and serves the others', () => {
    const w = world()
    w.table.getLinkAddress(peer(1), () => {
      throw new Error('mine')
    })
    const { answers } = ask(w, 1)
    w.table.handleConfirmation(peer(1), MAC_A, SOLICITED)
    w.advance()
    expect(answers).toHaveLength(1)
    expect(w.errors).toEqual([new Error('mine')])
    done(w)
  })

  it('is bounded', () => {
    const w = world()
    const asked = Array.from({ length: 1025 }, () => ask(w, 1))
    w.advance()
    expect(asked.filter(({ answers }) => answers.length > 0).map(({ answers }) => answers[0])).toEqual(['ENOBUFS'])
    asked[0]!.cancel()
    asked.push(ask(w, 1))
    w.advance()
    expect(asked.at(-1)!.answers).toEqual([])
    w.table.handleConfirmation(peer(1), MAC_A, SOLICITED)
    w.advance()
    expect(asked.map(({ answers }) => answers.length).filter((n) => n === 1)).toHaveLength(1025)
    // Those who were answered make room.
    const others = Array.from({ length: 1024 }, () => ask(w, 2))
    w.advance()
    expect(others.flatMap(({ answers }) => answers)).toEqual([])
    done(w)
  })

  it('takes back only what was asked, once: another who asks for the same is still answered', () => {
    const w = world()
    const [first, second] = [ask(w, 1), ask(w, 1)]
    first.cancel()
    first.cancel()
    const broadcast = ask(w, mappedAddress(-1))
    broadcast.cancel()
    w.table.handleConfirmation(peer(1), MAC_A, SOLICITED)
    w.advance()
    expect([first.answers, second.answers, broadcast.answers]).toEqual([[], ['02:00:00:00:00:0a'], []])
    done(w)
  })
})

describe('bounds', () => {
  it('keeps 256 packets an entry and drops the oldest, counted [RFC1122-2.3.2.2-queue, RFC4861-7.2.2-send]', () => {
    const w = world()
    for (let mark = 1; mark <= 258; mark++) w.send(1, mark)
    expect(w.counters.dropNeighborQueueFull).toBe(2)
    w.trace()
    w.table.handleConfirmation(peer(1), MAC_A, SOLICITED)
    const sent = w.trace()
    expect(sent).toHaveLength(257)
    expect(sent[0]).toBe('packet 3 to 02:00:00:00:00:0a')
    done(w)
  })

  it('keeps packets of 64 resolutions; the oldest loses its packets, and its answer still counts', () => {
    const w = world()
    for (let n = 1; n <= 65; n++) w.send(n, n)
    expect(w.counters.dropNeighborQueueFull).toBe(1)
    expect(w.pool.packets).toBe(64)
    w.trace()
    w.table.handleConfirmation(peer(1), MAC_A, SOLICITED)
    expect(w.trace()).toEqual(['1 reachable'])
    w.table.handleConfirmation(peer(2), MAC_A, SOLICITED)
    expect(w.trace()).toEqual(['packet 2 to 02:00:00:00:00:0a', '2 reachable'])
    w.send(66, 66)
    expect(w.counters.dropNeighborQueueFull).toBe(1)
    w.send(67, 67)
    w.send(68, 68)
    expect(w.counters.dropNeighborQueueFull).toBe(3)
    expect(w.pool.packets).toBe(64)
    done(w)
  })

  it('has at most 256 refused packets waiting to be told', () => {
    const w = world()
    w.send(1)
    w.advance(3000)
    for (let i = 0; i < 300; i++) w.send(1)
    expect(w.counters.dropNeighborQueueFull).toBe(44)
    expect(w.pool.packets).toBe(256)
    done(w)
  })

  it('evicts the least recently used neighbour, and none that packets wait for', () => {
    const w = world({ maxEntries: 3 })
    w.send(9, 1)
    for (const n of [1, 2]) {
      w.advance(1)
      w.table.addLinkAddress(peer(n), MAC_A)
    }
    w.advance(1)
    w.send(1)
    w.trace()
    expect(w.table.lookup(peer(3))).not.toBeNull()
    expect(w.trace()).toEqual(['2 removed'])
    expect([1, 2, 9].map((n) => w.state(n))).toEqual(['delay', undefined, 'incomplete'])
    done(w)
  })

  it('has no room when every entry is in use', () => {
    const w = world({ maxEntries: 2 })
    w.send(1)
    w.send(2)
    expect(w.table.lookup(peer(3))).toBeNull()
    done(w)
  })

  it('does not let a flood of requests or gratuitous ARP push out neighbours in use', () => {
    const w = world({ maxEntries: 8 })
    for (let n = 1; n <= 4; n++) {
      w.send(n)
      w.table.handleConfirmation(peer(n), MAC_A, SOLICITED)
    }
    for (let n = 0; n < 1000; n++) {
      w.advance(1)
      w.table.handleProbe(mappedAddress(0x0b000000 + n), MAC_B)
      w.table.handleUnsolicited(mappedAddress(0x0c000000 + n), MAC_B)
    }
    expect(w.table.size).toBe(8)
    expect([1, 2, 3, 4].map((n) => w.state(n))).toEqual(['reachable', 'reachable', 'reachable', 'reachable'])
    done(w)
  })

  it('replaces what peers told by what other peers tell, and what only peers told first', () => {
    const w = reachable({ maxEntries: 3 })
    for (const n of [2, 3, 4]) {
      w.advance(1)
      w.table.handleProbe(peer(n), MAC_B)
    }
    expect([1, 2, 3, 4].map((n) => w.state(n))).toEqual(['reachable', undefined, 'stale', 'stale'])
    w.table.lookup(peer(5))
    expect([1, 3, 4].map((n) => w.state(n))).toEqual(['reachable', undefined, 'stale'])
    done(w)
  })

  it('hears nothing from peers when every entry was wanted here', () => {
    const w = reachable({ maxEntries: 1 })
    w.table.handleProbe(peer(2), MAC_B)
    w.table.handleUnsolicited(peer(3), MAC_B)
    expect(w.table.list().map(({ address }) => address)).toEqual([peer(1)])
    done(w)
  })

  it('does not let a scan through this host push out neighbours in use', () => {
    const w = world({ maxEntries: 80 })
    for (let n = 1; n <= 4; n++) {
      w.send(n)
      w.table.handleConfirmation(peer(n), MAC_A, SOLICITED)
    }
    for (let n = 0; n < 1000; n++) {
      w.advance(1)
      const neighbor = w.table.lookup(mappedAddress(0x0b000000 + n))
      if (neighbor !== null) w.table.send(neighbor, w.packet())
    }
    expect(w.table.size).toBe(80)
    expect([1, 2, 3, 4].map((n) => w.state(n))).toEqual(['reachable', 'reachable', 'reachable', 'reachable'])
    done(w)
  })

  it('says so when an evicted entry finds no room to come back', () => {
    const w = world({ maxEntries: 1 })
    const held = w.table.lookup(peer(1))!
    w.send(2)
    expect(w.table.send(held, w.packet())).toBe('ENOBUFS')
    expect(w.counters.dropNeighborQueueFull).toBe(1)
    done(w)
  })
})
