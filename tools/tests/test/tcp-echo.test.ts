import { createStack } from '@stack/core'
import { pipe } from '@stack/link-pipe'
import { internet } from '@stack/preset-internet'
import { leaksOf, manualClock } from '@stack/testing'
import { expect, it } from 'vitest'

it.each([
  ['IPv4 over Ethernet', 'ethernet', '10.0.0.1/24', '10.0.0.2/24'],
  ['IPv6 over Ethernet', 'ethernet', 'fd00::1/64', 'fd00::2/64'],
  ['IPv4 over a bare pipe', 'ip', '10.0.0.1/24', '10.0.0.2/24'],
  ['IPv6 over a bare pipe', 'ip', 'fd00::1/64', 'fd00::2/64'],
] as const)('TCP carries a megabyte and ends in order: %s', async (_, framing, one, two) => {
  const clock = manualClock()
  const [left, right] = pipe({ framing, latency: 5 })
  const a = createStack({ plugins: [internet()], clock })
  const b = createStack({ plugins: [internet()], clock })
  await clock.until(Promise.all([a.addNic(left, { addresses: [one] }), b.addNic(right, { addresses: [two] })]))
  const listener = b.tcp.listen({ port: 80 })
  const serve = async (): Promise<number> => {
    const connection = (await listener.accept())!
    let sum = 0
    for await (const chunk of connection) for (const byte of chunk) sum += byte
    await connection.write(new TextEncoder().encode(String(sum)), { end: true })
    await connection.close()
    return sum
  }
  const served = serve()
  const connect = async (): Promise<string> => {
    const connection = await a.tcp.connect({ host: two.split('/')[0]!, port: 80 })
    const data = new Uint8Array(1 << 20).map((_value, i) => i * 7)
    await connection.write(data, { end: true })
    let text = ''
    for await (const chunk of connection) text += new TextDecoder().decode(chunk)
    await connection.close()
    return text
  }
  const text = await clock.until(connect())
  expect(await clock.until(served)).toBe(Number(text))
  expect(Number(text)).toBe(133693440)
  await clock.until(Promise.all([a.close(), b.close()]))
  expect([...leaksOf(a), ...leaksOf(b)]).toEqual([])
})
