import { createStack, HookPoint, seededRandom } from '@stack/core'
import { ipv4 } from '@stack/ipv4'
import { pipe } from '@stack/link-pipe'
import { deterministicRandom, manualClock, pattern } from '@stack/testing'
import { describe, expect, test } from 'vitest'
import { md5 } from '../src/md5.ts'
import { tcp, type Connection, type ConnectionOptions } from '../src/index.ts'
import { md5Hash } from './support/reference-signatures.ts'

const BYTES = 300_000

/** Both ways at once between two stacks, over a path that marks one packet in ten and loses one in two hundred. */
async function transfer(client: ConnectionOptions, server: ConnectionOptions) {
  const clock = manualClock()
  const links = pipe({ latency: 5 })
  const stack = (seed: number) => createStack({ plugins: [ipv4(), tcp()] as const, clock, random: seededRandom(seed), secureRandom: deterministicRandom(seed) })
  const [a, b] = [stack(1), stack(2)]
  await a.addNic(links[0], { addresses: ['10.0.0.1/24'], skipDuplicateDetection: true })
  await b.addNic(links[1], { addresses: ['10.0.0.2/24'], skipDuplicateDetection: true })
  const random = seededRandom(4)
  let marks = 0
  for (const each of [a, b]) {
    each.hooks.add(HookPoint.Prerouting, (packet) => {
      const fate = random.next()
      if (fate < 0.005) return { action: 'drop', reason: 'test' }
      // As a router does, of packets that are capable.
      if (fate > 0.9 && (packet.tos & 3) !== 0) {
        packet.tos |= 3
        marks++
      }
      return 'accept'
    })
  }
  const listener = b.tcp.listen({ port: 179, ...server })
  const opening = Promise.all([a.tcp.connect({ host: '10.0.0.2', port: 179, ...client }), listener.accept()])
  const ends = (await clock.until(opening, 600_000)) as [Connection, Connection]
  const data = pattern(BYTES)
  const readAll = async (connection: Connection): Promise<boolean> => {
    let at = 0
    for await (const chunk of connection) for (const byte of chunk) if (byte !== data[at++]) return false
    return at === BYTES
  }
  const work = Promise.all([...ends.map((end) => readAll(end)), ...ends.map((end) => end.write(data, { end: true }))])
  const [down, up] = await clock.until(work, 600_000)
  expect([down, up]).toEqual([true, true])
  const infos = ends.map((end) => end.info())
  for (const each of [a, b]) {
    expect(each.statistics().protocols['tcp']).toMatchObject({ dropMalformed: 0, dropChecksum: 0, illegalTransitions: 0, timeouts: 0 })
    each.destroy()
  }
  return { infos, marks }
}

describe('both ends have a say', () => {
  const wants = ['off', 'passive', 'on', 'accurate'] as const
  for (const client of wants) {
    for (const server of wants) {
      const isAgreed = (client === 'on' || client === 'accurate') && server !== 'off'
      const kind = !isAgreed ? 'none' : client === 'on' ? 'classic' : 'accurate'
      test(`${client} to ${server} is ${kind}, and everything arrives`, async () => {
        const { infos, marks } = await transfer({ ecn: client }, { ecn: server })
        for (const { ecn } of infos) {
          expect(ecn.kind).toBe(kind)
          expect(ecn.reductions > 0 && ecn.received > 0).toBe(isAgreed)
        }
        expect(marks > 0).toBe(isAgreed)
      })
    }
  }
})

test.each(['none', 'acks', 'all'] as const)('accurate feedback with options %s counts every mark, and the bytes', async (options) => {
  const policy = { offer: 'accurate', options } as const
  const { infos } = await transfer({ ecn: policy }, { ecn: policy })
  const [client, server] = infos
  // What was received after the last ACK that came through is not known.
  expect(Math.abs(client!.ecn.marked - server!.ecn.received)).toBeLessThanOrEqual(8)
  expect(client!.ecn.marked).toBeGreaterThan(10)
  expect(client!.ecn.ect0Bytes > BYTES / 4).toBe(options !== 'none')
})

test('accurate feedback goes with signatures', async () => {
  const make = () => md5({ hash: md5Hash, keys: [{ key: 'secret' }] })
  const { infos } = await transfer({ ecn: 'accurate', authentication: make() }, { authentication: make() })
  for (const { ecn } of infos) {
    expect(ecn).toMatchObject({ kind: 'accurate', isCapable: true })
    expect(ecn.marked).toBeGreaterThan(10)
  }
})
