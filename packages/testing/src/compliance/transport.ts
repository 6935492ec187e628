import { seededRandom, type TransportPlugin } from '@stack/core'
import { bindCases, expectEqual, expectThat, notApplicable, type CaseOf, type ComplianceCase } from './case.ts'
import { TransportBench, type TransportUnderTest } from './transport-bench.ts'

const STRANGE_PORT = 9

const CASES: readonly CaseOf<TransportBench>[] = [
  {
    name: 'describes itself',
    clause: 'TransportProtocol.number, name, minimumPacketSize',
    check({ protocol }) {
      expectThat(protocol.number >= 0 && protocol.number <= 255, `The number is ${String(protocol.number)}.`)
      expectThat(protocol.name.length > 0, 'The protocol has no name.')
      expectThat(protocol.minimumPacketSize >= 0, `minimumPacketSize is ${String(protocol.minimumPacketSize)}.`)
    },
  },
  {
    name: 'its endpoints have ids of their own',
    clause: 'TransportEndpoint.uniqueId: unique in the stack',
    check(bench) {
      const ids = Array.from({ length: 10 }, () => bench.newEndpoint().uniqueId)
      expectEqual(new Set(ids).size, 10, 'The number of ids of 10 endpoints')
    },
  },
  {
    name: 'an endpoint that is aborted is closed',
    clause: 'TransportEndpoint.abort, closed',
    async check(bench) {
      const endpoint = bench.newEndpoint()
      let isClosed = false
      endpoint.abort()
      endpoint.abort()
      void endpoint.closed.then(() => {
        isClosed = true
      })
      await bench.clock.advance(1000)
      expectEqual(isClosed, true, 'Whether closed has resolved after abort')
    },
  },
  {
    name: 'parsePorts reads the ports',
    clause: 'TransportProtocol.parsePorts: sets sourcePort, destinationPort from the header at packet.start',
    check(bench) {
      const packet = bench.packet(bench.bytes(4711))
      const { start, sourcePort } = packet
      packet.sourcePort = packet.destinationPort = 1
      const isRead = bench.protocol.parsePorts(packet)
      const got = [packet.start, packet.sourcePort, packet.destinationPort]
      packet.release()
      expectEqual(isRead, true, 'What parsePorts returned')
      expectEqual(got.join(), [start, sourcePort, 4711].join(), 'packet.start, the source and the destination port after parsePorts')
    },
  },
  {
    name: 'parse marks the transport header',
    clause: 'TransportProtocol.parse: marks the transport header without acting on it',
    check(bench) {
      const packet = bench.packet(bench.bytes(4711))
      const { start } = packet
      const isParsed = bench.protocol.parse(packet)
      const { transportHeader } = packet
      packet.release()
      expectEqual(isParsed, true, 'What parse returned')
      expectEqual(transportHeader, start, 'packet.transportHeader after parse')
    },
  },
  {
    name: 'parse refuses headers that are cut off',
    clause: 'TransportProtocol.parse, minimumPacketSize',
    check(bench) {
      const whole = bench.bytes(4711)
      for (let length = 0; length < bench.protocol.minimumPacketSize; length++) {
        const packet = bench.packet(whole.slice(0, length))
        const isParsed = bench.protocol.parse(packet)
        packet.release()
        expectEqual(isParsed, false, `What parse returned for ${String(length)} bytes`)
      }
    },
  },
  {
    name: 'registers what is open',
    clause: 'TransportRegistry.register',
    async check(bench) {
      const { port } = bench.open()
      await bench.receive(bench.bytes(port))
      expectEqual(bench.handled.count, 1, 'The number of packets that the demultiplexer gave to what is open')
    },
  },
  {
    name: 'hands messages to user code',
    clause: 'TransportEndpoint.handlePacket',
    async check(bench) {
      const { port } = bench.open()
      await bench.receive(bench.bytes(port), bench.bytes(port))
      await bench.clock.advance(1000)
      if (bench.given.messages !== true) notApplicable('User code hears nothing of single packets.')
      expectEqual(bench.heard.length, 2, 'The number of messages that user code got of 2')
    },
  },
  {
    name: 'runs user code last in a turn',
    clause: 'Wakeable: never inside a state transition',
    async check(bench) {
      const { port } = bench.open()
      await bench.receive(bench.bytes(port))
      await bench.clock.advance(1000)
      expectThat(!bench.heard.includes(true), 'User code ran within handlePacket.')
    },
  },
  {
    name: 'owns the packets that it is given',
    clause: 'TransportEndpoint.handlePacket: takes ownership',
    async check(bench) {
      const open = bench.open()
      await bench.receive(bench.bytes(open.port), bench.bytes(open.port))
      open.close()
      bench.stack.destroy()
      await bench.clock.settle()
      expectEqual(bench.pool.packets, 0, 'The number of packets held after the stack has ended')
    },
  },
  {
    name: 'releases packets once',
    clause: 'TransportEndpoint.handlePacket: takes ownership',
    async check(bench) {
      const open = bench.open()
      await bench.receive(bench.bytes(open.port), bench.bytes(open.port))
      open.close()
      await bench.clock.advance(1000)
      expectEqual(bench.memory.statistics.doubleRelease, 0, 'The number of packets released twice')
    },
  },
  {
    name: 'drops packets with a wrong checksum',
    clause: 'RFC 1122 §4.1.3.4, RFC 9293 §3.1: silently discard',
    async check(bench) {
      const { port } = bench.open()
      const sent = bench.link.sent.length
      await bench.receive(wrongChecksum(bench, port))
      await bench.clock.advance(1000)
      expectEqual(bench.heard.length, 0, 'The number of messages that user code got of a packet with a wrong checksum')
      expectEqual(bench.link.sent.length - sent, 0, 'The number of answers to a packet with a wrong checksum')
    },
  },
  {
    name: 'says nothing to strangers with a wrong checksum',
    clause: 'TransportProtocol.handleUnknownDestinationPacket: a broken header names anybody',
    async check(bench) {
      const packet = bench.packet(wrongChecksum(bench, STRANGE_PORT), STRANGE_PORT)
      const sent = bench.link.sent.length
      const disposition = bench.protocol.handleUnknownDestinationPacket(bench.id(STRANGE_PORT), packet)
      packet.release()
      await bench.clock.settle()
      expectThat(disposition !== 'unhandled', 'A packet with a wrong checksum is to be answered with port unreachable.')
      expectEqual(bench.link.sent.length - sent, 0, 'The number of answers to a packet with a wrong checksum')
    },
  },
  {
    name: 'borrows the packets of strangers',
    clause: 'TransportProtocol.handleUnknownDestinationPacket: borrowed: the stack releases it',
    async check(bench) {
      const packet = bench.packet(bench.bytes(STRANGE_PORT), STRANGE_PORT)
      const disposition = bench.protocol.handleUnknownDestinationPacket(bench.id(STRANGE_PORT), packet)
      const isHeld = packet.pool === bench.pool
      if (isHeld) packet.release()
      await bench.clock.settle()
      expectThat(['handled', 'malformed', 'unhandled'].includes(disposition), `handleUnknownDestinationPacket returned '${disposition}'.`)
      expectThat(isHeld, 'handleUnknownDestinationPacket released the packet.')
    },
  },
  {
    name: 'borrows the packets that errors quote',
    clause: 'TransportEndpoint.handleError: borrowed, not owned',
    async check(bench) {
      bench.open()
      const { endpoint, id } = bench.endpoint
      const packet = bench.packet(bench.bytes(STRANGE_PORT).slice(0, 8))
      endpoint.handleError(id, { kind: 'hostUnreachable', cause: 'icmp', type: 3, code: 1 }, packet)
      const isHeld = packet.pool === bench.pool
      if (isHeld) packet.release()
      await bench.clock.settle()
      expectThat(isHeld, 'handleError released the packet.')
    },
  },
  {
    name: 'survives packets that are cut off, and random ones',
    clause: 'A bad packet is a return code and a counter, never an exception',
    async check(bench) {
      const { port } = bench.open()
      const whole = bench.bytes(port)
      for (let length = 0; length < whole.length; length++) await bench.receive(whole.slice(0, length))
      const random = seededRandom(11)
      for (let i = 0; i < 300; i++) {
        const bytes = whole.slice(0, 1 + Math.floor(random.next() * whole.length))
        for (let at = 4; at < bytes.length; at++) if (random.next() < 0.2) bytes[at] = random.uint32() & 0xff
        await bench.receive(bytes)
      }
      bench.stack.destroy()
      await bench.clock.settle()
      expectEqual(bench.pool.packets, 0, 'The number of packets held after bad ones, when the stack has ended,')
    },
  },
  {
    name: 'registers nothing any more once it is closed',
    clause: 'Registration.remove',
    async check(bench) {
      const before = bench.host.endpoints.size
      const open = bench.open()
      open.close()
      await bench.clock.advance(200_000)
      expectEqual(bench.host.endpoints.size, before, 'The number of registrations after close')
    },
  },
  {
    name: 'closed resolves after close, and not before',
    clause: 'TransportProtocol.close, closed',
    async check(bench) {
      const { protocol, clock } = bench
      bench.open()
      let isClosed = false
      void protocol.closed.then(() => {
        isClosed = true
      })
      await clock.settle()
      expectEqual(isClosed, false, 'Whether closed has resolved before close')
      protocol.close()
      await clock.advance(200_000)
      expectEqual(isClosed, true, 'Whether closed has resolved after close')
    },
  },
  {
    name: 'may be closed twice',
    clause: 'TransportProtocol.close',
    check({ protocol }) {
      protocol.close()
      protocol.close()
    },
  },
  {
    name: 'leaves nothing registered when its stack ends',
    clause: 'TransportProtocol.close; TransportEndpoint.abort: ends it now',
    async check(bench) {
      bench.open()
      bench.stack.destroy()
      await bench.clock.settle()
      expectEqual(bench.host.endpoints.size, 0, 'The number of registrations after the stack has ended')
    },
  },
  {
    name: 'stacks know nothing of each other',
    clause: 'No state of a module: two stacks in one realm',
    async check(bench) {
      const other = await TransportBench.setUp(bench.make as () => TransportUnderTest<TransportPlugin<string, unknown, string>>)
      try {
        bench.open()
        const { port } = other.open()
        await other.receive(other.bytes(port), other.bytes(port))
        expectThat(other.handled.count > 0, 'The second of two stacks got none of its packets.')
        expectEqual(bench.handled.count, 0, 'The number of packets that the first of two stacks got')
      } finally {
        await other.tearDown()
      }
    },
  },
]

function wrongChecksum(bench: TransportBench, port: number): Uint8Array {
  const bytes = bench.bytes(port)
  bytes[bench.given.checksumOffset]! ^= 0x55
  return bytes
}

/**
 * The cases that every transport protocol passes, in a stack of core with a network protocol and a link of the suite.
 *
 * @example
 * ```ts
 * import { transportCompliance } from '@stack/testing'
 * import { udp } from '@stack/udp'
 *
 * const cases = transportCompliance(() => ({
 *   plugin: udp(),
 *   number: 17,
 *   messages: true,
 *   checksumOffset: 6,
 *   open(stack, heard) {
 *     const socket = stack.udp.bind({ port: 5000 })
 *     socket.setHandler({ datagram: heard })
 *     return { port: 5000, close: () => socket.close() }
 *   },
 *   // Without checksums here; a real factory computes them.
 *   build: ({ sourcePort, destinationPort }) => Uint8Array.of(sourcePort >> 8, sourcePort & 255, destinationPort >> 8, destinationPort & 255, 0, 8, 0, 0),
 * }))
 * console.log(cases.length)
 * ```
 */
export function transportCompliance<Plugin extends TransportPlugin<string, unknown, string>>(
  make: () => TransportUnderTest<Plugin> | Promise<TransportUnderTest<Plugin>>,
): ComplianceCase[] {
  return bindCases(CASES, () => TransportBench.setUp(make), (bench) => bench.tearDown())
}
