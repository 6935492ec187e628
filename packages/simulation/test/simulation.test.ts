import { describe, expect, test } from 'vitest'
import { leaksOf } from '@stack/testing'
import { jainIndex, simulation, summaryOf, traceTable, type Simulation, type Transfer } from '../src/index.ts'

function lossyTransfer(seed: number): { readonly net: Simulation; readonly flow: Transfer } {
  const net = simulation({ seed })
  const [a, r, b] = [net.host('a'), net.router('r'), net.host('b')]
  net.wire(a, r, { delay: 1 })
  net.wire(r, b, { rate: 10e6, delay: 10, loss: 0.02 })
  return { net, flow: net.transfer(a, b, { bytes: 300_000 }) }
}

describe('the same seed', () => {
  test('gives the same segments at the same instants, another seed others', async () => {
    const trace = async (seed: number): Promise<string> => {
      const { net, flow } = lossyTransfer(seed)
      await net.run(10)
      expect(flow.bytes).toBe(300_000)
      return [...traceTable(flow.trace)].join('\n')
    }
    const first = await trace(1)

    expect(await trace(1)).toBe(first)
    expect(await trace(2)).not.toBe(first)
  })

  test('gives the same packets, byte for byte', async () => {
    const packets = async (): Promise<string> => {
      const blocks: Uint8Array[] = []
      const net = simulation({ seed: 5, onCapture: (block) => blocks.push(block) })
      const [a, b] = [net.host('a'), net.host('b')]
      net.wire(a, b, { rate: 10e6, delay: 10 })
      net.transfer(a, b, { bytes: 20_000 })
      await net.run(1)
      net.destroy()
      return blocks.map((block) => Array.from(block).join()).join('\n')
    }
    expect(await packets()).toBe(await packets())
  })

  test('running in parts is running at once', async () => {
    const whole = lossyTransfer(3)
    await whole.net.run(2)
    const parts = lossyTransfer(3)
    for (const until of [0.001, 0.5, 0.5003, 2]) await parts.net.run(until)

    expect([...traceTable(parts.flow.trace)]).toEqual([...traceTable(whole.flow.trace)])
  })
})

describe('a network', () => {
  test('routes over routers, in both families, by the shortest way', async () => {
    const net = simulation()
    const [a, b] = [net.host('a'), net.host('b')]
    const [r1, r2, detour] = [net.router('r1'), net.router('r2'), net.router('detour')]
    net.wire(a, r1)
    net.wire(r1, detour)
    net.wire(detour, r2)
    net.wire(r1, r2)
    net.wire(r2, b)
    const hops: number[] = []
    net.at(0, async () => {
      hops.push(64 - (await a.stack.icmp.ping(b.ipv4)).ttl, 64 - (await a.stack.icmp.ping(b.ipv6)).ttl)
    })
    await net.run(1)

    expect(hops).toEqual([2, 2])
  })

  test('hosts do not forward', async () => {
    const net = simulation()
    const [a, host, b] = [net.host('a'), net.host('between'), net.host('b')]
    net.wire(a, host)
    net.wire(host, b)
    const flow = net.transfer(a, b, { bytes: 1 })
    await net.run(1)

    expect(flow.error).toBe('ENETUNREACH')
  })

  test('is silent when nobody sends', async () => {
    const net = simulation()
    const wire = net.wire(net.host('a'), net.router('r'), { delay: 5 })
    await net.run(60)

    expect(wire.there.counters.packets + wire.back.counters.packets).toBe(0)
  })

  test('leaves nothing behind when it is destroyed', async () => {
    const { net, flow } = lossyTransfer(1)
    await net.run(0.1)
    net.destroy()

    expect([...leaksOf(flow.from.stack), ...leaksOf(flow.to.stack)]).toEqual([])
    // It was cut off, it did not fail.
    expect(flow.error).toBeNull()
  })

  test('is built before it runs, of nodes of its own', async () => {
    const net = simulation()
    const a = net.host('a')
    expect(() => net.host('a')).toThrow(/there is a node 'a' already/)
    expect(() => net.wire(a, a)).toThrow(/a wire joins two nodes/)
    expect(() => net.wire(a, simulation().host('stranger'))).toThrow(/belongs to another simulation/)
    await net.run(0)
    expect(() => net.router('late')).toThrow(expect.objectContaining({ code: 'ERR_STACK_NOT_SUPPORTED' }) as Error)
  })

  test('refuses options that it does not know', () => {
    expect(() => simulation({ sed: 1 } as object)).toThrow(expect.objectContaining({ code: 'ERR_STACK_INVALID_OPTION' }) as Error)
  })
})

describe('at', () => {
  test('calls at its second, in order, and promises go on at the instant that woke them', async () => {
    const net = simulation()
    const [a, b] = [net.host('a'), net.host('b')]
    net.wire(a, b, { delay: 10 })
    const log: string[] = []
    const note = (what: string): unknown => log.push(`${what} ${net.now.toFixed(3)}`)
    net.at(0.2, () => note('second'))
    net.at(0.1, async () => {
      note('ping')
      await a.stack.icmp.ping(b.ipv4)
      note('pong')
    })
    await net.run(1)

    expect(log).toEqual(['ping 0.100', 'pong 0.120', 'second 0.200'])
  })

  test('what throws ends the run', async () => {
    const sync = simulation()
    sync.at(0.1, () => {
      throw new Error('at once')
    })
    await expect(sync.run(1)).rejects.toThrow('at once')

    const later = simulation()
    later.at(0.1, () => Promise.reject(new Error('later')))
    await expect(later.run(1)).rejects.toThrow('later')
  })
})

describe('run', () => {
  test('ends with its signal, and can go on', async () => {
    const net = simulation()
    const controller = new AbortController()
    net.at(0.5, () => controller.abort(new Error('enough')))
    await expect(net.run(60, { signal: controller.signal })).rejects.toThrow('enough')

    expect(net.now).toBeLessThan(1)
    await net.run(2)
    expect(net.now).toBe(2)
  })

  test('once at a time', async () => {
    const net = simulation()
    const first = net.run(1)
    await expect(net.run(1)).rejects.toMatchObject({ code: 'ERR_STACK_BUSY' })
    await first
  })
})

describe('results', () => {
  test('in figures', async () => {
    const { net, flow } = lossyTransfer(1)
    const result = await net.run(10)

    expect(result.flows).toEqual([flow])
    expect(JSON.parse(JSON.stringify(summaryOf(result)))).toMatchObject({
      seed: 1, seconds: 10,
      flows: [{ name: 'a→b', kind: 'tcp', bytes: 300_000, error: null }],
      wires: [{ name: 'a-r' }, { name: 'r-b', there: { rate: 10e6, delayMs: 10, queueLimit: 25_000 } }],
    })
  })

  test('Jain\'s index', () => {
    expect(jainIndex([5, 5, 5])).toBe(1)
    expect(jainIndex([1, 0, 0, 0])).toBe(0.25)
    expect(jainIndex([3, 1])).toBe(0.8)
    expect(jainIndex([])).toBe(1)
  })

  test('a capture has the packets of a flow once', async () => {
    let packets = 0
    const net = simulation({ onCapture: (block) => (packets += Number(block[0] === 6)) })
    const [a, b] = [net.host('a'), net.host('b')]
    const { there, back } = net.wire(a, b)
    net.transfer(a, b, { bytes: 10_000 })
    await net.run(1)

    expect(packets).toBe(there.counters.packets + back.counters.packets)
  })

  test('a capture is a pcapng file of the hosts\' interfaces', async () => {
    const blocks: Uint8Array[] = []
    const net = simulation({ onCapture: (block) => blocks.push(block) })
    const [a, r, b] = [net.host('a'), net.router('r'), net.host('b')]
    net.wire(a, r)
    net.wire(r, b)
    net.at(0, () => a.stack.icmp.ping(b.ipv4))
    await net.run(1)

    const types = blocks.map((block) => new DataView(block.buffer, block.byteOffset).getUint32(0, true))
    // Section header, two interfaces, request and reply at both ends.
    expect(types).toEqual([0x0a0d0d0a, 1, 1, 6, 6, 6, 6])
  })
})
