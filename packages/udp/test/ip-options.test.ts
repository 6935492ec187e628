import { ipv4, packet, parsePacket, udp, type Ipv4Option } from '@stack/testing'
import { describe, expect, it } from 'vitest'
import { bytes, pair, text, thrownBy, wire } from './support/bench.ts'
import { IPV4, IPV6 } from './support/families.ts'

const ROUTER_ALERT = Uint8Array.of(148, 4, 0, 0)

describe('IPv4 options (RFC 1122 §4.1.3.2)', () => {
  it('what the application gives stands in the header [RFC1122-4.1.3.2-options]', async () => {
    const { stack, sent, end } = await wire()
    const socket = stack.udp.connect({ host: IPV4.peer, port: 9, ipOptions: ROUTER_ALERT })
    socket.send(bytes('with'))
    socket.configure({ ipOptions: null })
    socket.send(bytes('without'))
    expect(sent().map((each) => parsePacket(each).ipv4!.options)).toEqual([[{ kind: 'routerAlert', value: 0 }], []])
    end()
  })

  it('what came in the header is the application\'s, as it was, and a handler\'s too [RFC1122-4.1.3.2-options]', async () => {
    const { stack, inject, end } = await wire()
    const socket = stack.udp.bind({ port: 7 })
    const options: Ipv4Option[] = [{ kind: 'nop' }, { kind: 'unknown', number: 30, data: Uint8Array.of(1, 2, 3) }]
    const headers = [ipv4({ source: IPV4.peer, destination: IPV4.us, options }), udp({ sourcePort: 1, destinationPort: 7 })] as const
    await inject(packet(...headers, 'one'))
    const got = socket.tryReceive()
    expect([text(got), got?.ipOptions]).toEqual(['one', Uint8Array.of(1, 30, 5, 1, 2, 3, 0, 0)])
    const seen: (Uint8Array | undefined)[] = []
    socket.setHandler({ datagram: (_data, _remote, info) => seen.push(info.ipOptions) })
    await inject(packet(...headers, 'two'))
    await inject(packet(ipv4({ source: IPV4.peer, destination: IPV4.us }), udp({ sourcePort: 1, destinationPort: 7 }), 'plain'))
    expect(seen).toEqual([Uint8Array.of(1, 30, 5, 1, 2, 3, 0, 0), undefined])
    end()
  })

  it('go from one application to another, whole or in fragments', async () => {
    const { clock, us, peer, end } = await pair()
    const server = peer.udp.bind({ port: 7 })
    const client = us.udp.connect({ host: IPV4.peer, port: 7, ipOptions: ROUTER_ALERT })
    for (const length of [1, 5000]) {
      client.send(new Uint8Array(length))
      expect(await clock.until(server.receive())).toMatchObject({ ipOptions: ROUTER_ALERT, data: { length } })
    }
    expect(thrownBy(() => client.send(new Uint8Array(65_507)))).toMatchObject({ code: 'EMSGSIZE' })
    end()
  })

  it('datagrams over IPv6 go without', async () => {
    const { stack, sent, end } = await wire()
    stack.udp.bind({ ipOptions: ROUTER_ALERT }).send(bytes('six'), { host: IPV6.peer, port: 9 })
    expect(sent().map((each) => parsePacket(each).layers.map(({ layer }) => layer))).toEqual([['ipv6', 'udp']])
    end()
  })

  it.each([['three bytes', new Uint8Array(3)], ['44 bytes', new Uint8Array(44)], ['text', 'rr']])('%s are refused', async (_name, ipOptions) => {
    const { stack, end } = await wire()
    const refusal = { code: 'ERR_STACK_INVALID_OPTION', message: expect.stringContaining("'ipOptions'") as string }
    expect(thrownBy(() => stack.udp.bind({ ipOptions: ipOptions as Uint8Array }))).toMatchObject(refusal)
    expect(thrownBy(() => stack.udp.connect({ host: IPV4.peer, port: 9, ipOptions: ipOptions as Uint8Array }))).toMatchObject(refusal)
    end()
  })
})
