import { createStack, type NetworkDispatcher } from '@stack/core'
import { pipe } from '@stack/link-pipe'
import { internet } from '@stack/preset-internet'
import { leaksOf, manualClock } from '@stack/testing'
import { describe, expect, it } from 'vitest'

const FAMILIES = [
  { name: 'IPv4', us: '10.0.0.1', peer: '10.0.0.2', length: 24 },
  { name: 'IPv6', us: 'fd00::1', peer: 'fd00::2', length: 64 },
]

describe.each(FAMILIES)('an Ethernet: $name', ({ us, peer, length }) => {
  it('addresses are usable at once, and a connection survives a carrier that comes and goes', async () => {
    const clock = manualClock()
    const began = clock.now()
    const [left, right] = pipe({ framing: 'ethernet' })
    const client = createStack({ plugins: [internet()], clock })
    const server = createStack({ plugins: [internet()], clock })
    let dispatcher: NetworkDispatcher | null = null
    const attach = left.attach.bind(left)
    left.attach = (given) => {
      dispatcher = given
      attach(given)
    }
    const setCarrier = (up: boolean): void => dispatcher!.setCarrier(up)
    const nic = await client.addNic(left, { addresses: [`${us}/${length}`] })
    await server.addNic(right, { addresses: [`${peer}/${length}`] })
    const listener = server.tcp.listen({ port: 7 })
    const accepted = listener.accept()
    const connection = await clock.until(client.tcp.connect({ host: peer, port: 7 }))
    const other = (await clock.until(accepted))!
    // No second of probes has passed.
    expect(clock.now() - began).toBeLessThan(1000)
    await clock.advance(20_000)
    expect(nic.addresses.find(({ address }) => address === us)).toMatchObject({ state: 'assigned' })

    setCarrier(false)
    await clock.advance(300)
    expect(nic.isUp).toBe(false)
    setCarrier(true)
    expect(nic.addresses.find(({ address }) => address === us)).toMatchObject({ state: 'optimistic' })
    await connection.write(new TextEncoder().encode('still here'))
    await clock.advance(100)
    const into = new Uint8Array(64)
    const count = (await clock.until(other.read(into)))!
    expect(new TextDecoder().decode(into.subarray(0, count))).toBe('still here')
    await clock.advance(20_000)
    expect(connection.state).toBe('established')

    client.destroy()
    server.destroy()
    await clock.settle()
    expect([...leaksOf(client), ...leaksOf(server)]).toEqual([])
  })
})
