import { createStack, HookPoint, seededRandom } from '@stack/core'
import { ipv4 } from '@stack/ipv4'
import { pipe } from '@stack/link-pipe'
import { deterministicRandom, leaksOf, manualClock, pattern } from '@stack/testing'
import { expect, test } from 'vitest'
import { aes128Cmac, ao, hmac } from '../src/ao.ts'
import type { Authentication } from '../src/authentication/contract.ts'
import { md5 } from '../src/md5.ts'
import { tcp, type Connection } from '../src/index.ts'
import { aesCmac, hmacSha1, md5Hash } from './support/reference-signatures.ts'

const BYTES = 100_000

/** Two stacks on a link, and a connection between them. */
async function pair(make: () => Authentication, mtu: number, random = seededRandom(4)) {
  const clock = manualClock()
  const links = pipe({ latency: 5, mtu })
  const stack = (seed: number) => createStack({ plugins: [ipv4(), tcp()] as const, clock, random: seededRandom(seed), secureRandom: deterministicRandom(seed) })
  const stacks = [stack(1), stack(2)] as const
  const [a, b] = stacks
  await a.addNic(links[0], { addresses: ['10.0.0.1/24'], skipDuplicateDetection: true })
  await b.addNic(links[1], { addresses: ['10.0.0.2/24'], skipDuplicateDetection: true })
  for (const each of stacks) each.hooks.add(HookPoint.Prerouting, () => (random.next() < 1 / 30 ? { action: 'drop', reason: 'test' } : 'accept'))
  const listener = b.tcp.listen({ port: 179, authentication: make() })
  const opening = Promise.all([a.tcp.connect({ host: '10.0.0.2', port: 179, authentication: make() }), listener.accept()])
  const [client, server] = (await clock.until(opening, 600_000)) as [Connection, Connection]
  async function end(): Promise<void> {
    for (const each of stacks) {
      expect(each.statistics().protocols['tcp']).toMatchObject({ dropBadSignature: 0, dropNoSignature: 0, illegalTransitions: 0 })
      each.destroy()
    }
    await clock.settle()
    for (const each of stacks) expect(leaksOf(each)).toEqual([])
  }
  return { clock, client, server, end }
}

async function readAll(connection: Connection): Promise<Uint8Array> {
  const all = new Uint8Array(BYTES + 1)
  let length = 0
  for await (const chunk of connection) {
    all.set(chunk, length)
    length += chunk.length
  }
  return all.slice(0, length)
}

const KINDS: Readonly<Record<string, () => Authentication>> = {
  'MD5': () => md5({ hash: md5Hash, keys: [{ key: 'secret' }] }),
  'TCP-AO with HMAC-SHA-1': () => ao({ keys: [{ sendId: 1, receiveId: 1, secret: 'secret', algorithm: hmac(hmacSha1) }] }),
  'TCP-AO with AES-CMAC, options not covered': () => ao({ keys: [{ sendId: 1, receiveId: 1, secret: 'secret', algorithm: aes128Cmac(aesCmac), coverOptions: false }] }),
}

test.each(Object.entries(KINDS))('%s: two stacks over a path that loses one segment in thirty', async (_name, make) => {
  const { clock, client, server, end } = await pair(make, 1500)
  const data = pattern(BYTES)
  const work = Promise.all([client.write(data, { end: true }), server.write(data, { end: true }), readAll(client), readAll(server)])
  const [, , down, up] = await clock.until(work, 600_000)
  for (const got of [down, up]) expect(got.length === BYTES && got.every((byte, i) => byte === data[i])).toBe(true)
  expect(client.info().options.sack).toBe(true)
  expect(client.info().retransmits).toBeGreaterThan(0)
  await end()
})

test.each(Object.entries(KINDS))('%s: on the narrowest link, where signature, timestamps and SACK leave no room for text', async (_name, make) => {
  const { clock, client, server, end } = await pair(make, 68)
  const data = pattern(3000)
  const [, got] = await clock.until(Promise.all([client.write(data, { end: true }), readAll(server)]), 600_000)
  expect(got).toEqual(data)
  expect(client.info().sendMss).toBeGreaterThanOrEqual(8)
  await clock.until(server.close(), 600_000)
  await end()
})
