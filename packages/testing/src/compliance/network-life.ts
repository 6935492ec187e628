import { sameAddress, type ParseResult } from '@stack/core'
import { expectEqual, expectThat, type CaseOf } from './case.ts'
import type { NetworkBench } from './network-bench.ts'
import { EXPERIMENT, numbered } from './packets.ts'

const NO_ADDRESSES = ['', ' ', 'x', '1.2.3', '1.2.3.4.5', '256.1.1.1', '1..2.3', ':::', '1:2', 'g::1', '::1::', '12345::', '%', '/', 'a'.repeat(1000)]

/** What the protocol says of itself, addresses and headers, and how its endpoints come and go. */
export const NETWORK_LIFE_CASES: readonly CaseOf<NetworkBench>[] = [
  {
    name: 'describes itself',
    clause: 'NetworkProtocol.number, name, minimumPacketSize, defaultPrefixLength',
    check({ protocol }) {
      expectThat(protocol.number >= 0x0600 && protocol.number <= 0xffff, `The number 0x${protocol.number.toString(16)} is no EtherType.`)
      expectThat(protocol.name.length > 0, 'The protocol has no name.')
      expectThat(protocol.minimumPacketSize > 0, `minimumPacketSize is ${String(protocol.minimumPacketSize)}.`)
      expectThat(protocol.defaultPrefixLength >= 0 && protocol.defaultPrefixLength <= 128, `defaultPrefixLength is ${String(protocol.defaultPrefixLength)}.`)
    },
  },
  {
    name: 'writes addresses as it reads them',
    clause: 'NetworkProtocol.parseAddress, formatAddress',
    check(bench) {
      const { family: { remote, other }, local, protocol } = bench
      for (const text of [local, remote, other]) {
        const address = bench.addressOf(text)
        const again = protocol.parseAddress(protocol.formatAddress(address))
        expectThat(again !== null && sameAddress(address, again), `'${text}' is read and written as '${protocol.formatAddress(address)}', which is another address.`)
      }
    },
  },
  {
    name: 'reads nothing that is no address',
    clause: 'NetworkProtocol.parseAddress: null when it is not one of this protocol\'s. No zone, no prefix length',
    check(bench) {
      const texts = bench.given.family === undefined ? NO_ADDRESSES : [...NO_ADDRESSES, `${bench.local}%1`, bench.family.local, ` ${bench.local}`]
      for (const text of texts) expectEqual(bench.protocol.parseAddress(text), null, `parseAddress('${text.slice(0, 40)}')`)
    },
  },
  {
    name: 'owns its addresses and those of no other family',
    clause: 'NetworkProtocol.ownsAddress',
    check(bench) {
      const { protocol, family } = bench
      expectEqual(protocol.ownsAddress?.(bench.addressOf(family.remote)), true, `ownsAddress(${family.remote})`)
      const mapped = { a: 0, b: 0, c: 0xffff, d: 0x0a000001, zone: 0 }
      const wide = { a: 0x20010db8, b: 0, c: 0, d: 1, zone: 0 }
      expectThat(!(protocol.ownsAddress?.(mapped) === true && protocol.ownsAddress(wide)), 'ownsAddress says yes to addresses of both families.')
    },
  },
  {
    name: 'parseAddresses reads who sends to whom',
    clause: 'NetworkProtocol.parseAddresses: fills the packet\'s address words from the header at packet.start',
    check(bench) {
      const packet = bench.packet(bench.incoming())
      const isRead = bench.protocol.parseAddresses(packet)
      const { sourceA: a, sourceB: b, sourceC: c, sourceD: d, destinationD } = packet
      packet.release()
      const remote = bench.addressOf(bench.family.remote)
      expectEqual(isRead, true, 'What parseAddresses returned')
      expectThat(a === remote.a && b === remote.b && c === remote.c && d === remote.d, 'The source words are not those of the sender.')
      expectEqual(destinationD, bench.addressOf(bench.local).d, 'The last word of the destination')
    },
  },
  {
    name: 'parseAddresses refuses headers that are cut off',
    clause: 'NetworkProtocol.parseAddresses: false when it is too short',
    check(bench) {
      const whole = bench.incoming()
      for (let length = 0; length < bench.protocol.minimumPacketSize; length++) {
        const packet = bench.packet(whole.slice(0, length))
        const isRead = bench.protocol.parseAddresses(packet)
        packet.release()
        expectEqual(isRead, false, `What parseAddresses returned for ${String(length)} bytes`)
      }
    },
  },
  {
    name: 'parse marks where the headers are',
    clause: 'NetworkProtocol.parse: consumes the network header and marks where the transport header is',
    check(bench) {
      const payload = numbered(1, 40)
      const packet = bench.packet(bench.incoming({ payload }))
      const { start } = packet
      const result: ParseResult = { ok: false, transportProtocol: 0, hasTransportHeader: false }
      const isParsed = bench.protocol.parse(packet, result)
      const { networkHeader, length } = packet
      packet.release()
      expectEqual(isParsed && result.ok, true, 'What parse returned')
      expectEqual(networkHeader, start, 'packet.networkHeader')
      expectEqual(length, payload.length, 'The length of what is behind the network header')
      expectEqual(result.transportProtocol, EXPERIMENT, 'The transport protocol')
      expectEqual(result.hasTransportHeader, true, 'hasTransportHeader')
    },
  },
  {
    name: 'parse refuses headers that are cut off',
    clause: 'NetworkProtocol.parse',
    check(bench) {
      const whole = bench.incoming()
      for (let length = 0; length < bench.protocol.minimumPacketSize; length++) {
        const packet = bench.packet(whole.slice(0, length))
        const isParsed = bench.protocol.parse(packet, { ok: false, transportProtocol: 0, hasTransportHeader: false })
        packet.release()
        expectEqual(isParsed, false, `What parse returned for ${String(length)} bytes`)
      }
    },
  },
  {
    name: 'its endpoints are of their NIC',
    clause: 'NetworkEndpoint.nicId, protocolNumber, mtu, maxHeaderLength',
    check({ endpoint, nic, protocol }) {
      expectEqual(endpoint.nicId, nic.id, 'The NIC of the endpoint')
      expectEqual(endpoint.protocolNumber, protocol.number, 'The protocol of the endpoint')
      expectThat(endpoint.mtu > 0 && endpoint.mtu <= nic.mtu, `The MTU of the endpoint is ${String(endpoint.mtu)}, that of the NIC ${String(nic.mtu)}.`)
      expectThat(endpoint.maxHeaderLength >= nic.networkInterface.linkHeaderLength, `maxHeaderLength is ${String(endpoint.maxHeaderLength)} and leaves no room for the link header.`)
    },
  },
  {
    name: 'its endpoints are enabled while their NIC is up',
    clause: 'NetworkEndpoint.isEnabled, enable, disable',
    check({ endpoint, nic }) {
      expectEqual(endpoint.isEnabled, true, 'isEnabled on a NIC that is up')
      nic.down()
      expectEqual(endpoint.isEnabled, false, 'isEnabled on a NIC that is down')
      nic.up()
      expectEqual(endpoint.isEnabled, true, 'isEnabled on a NIC that is up again')
    },
  },
  {
    name: 'works again after its NIC was down',
    clause: 'NetworkEndpoint.enable',
    async check(bench) {
      const packet = bench.incoming()
      bench.nic.down()
      bench.nic.up()
      await bench.clock.advance(10_000)
      expectEqual((await bench.receive(packet)).length, 1, 'The number of packets handed up after the NIC was down')
    },
  },
  {
    name: 'leaves nothing behind',
    clause: 'NetworkProtocol.close; NetworkEndpoint.close',
    async check(bench) {
      if (bench.given.family !== undefined) {
        const sender = await bench.other()
        try {
          // Fragments from the other side, all but the first: what waits longest.
          await sender.clock.settle()
          bench.link.sent.length = 0
          await bench.send(numbered(1, 4000))
          const fragments = bench.link.sent.splice(0).slice(1).map(({ bytes }) => bytes)
          await sender.receive(...fragments)
          sender.stack.destroy()
          await sender.clock.settle()
          expectEqual(sender.pool.packets, 0, 'The number of packets held after the stack has ended')
          expectEqual(sender.clock.scheduler.timers.armed, 0, 'The number of timers armed after the stack has ended')
        } finally {
          await sender.tearDown()
        }
      }
      bench.stack.destroy()
      expectEqual(bench.pool.packets, 0, 'The number of packets held after the stack has ended')
    },
  },
  {
    name: 'closed resolves after close',
    clause: 'NetworkProtocol.closed',
    async check({ protocol, clock }) {
      let isClosed = false
      protocol.close()
      void protocol.closed.then(() => {
        isClosed = true
      })
      await clock.advance(10_000)
      expectEqual(isClosed, true, 'Whether closed has resolved after close')
    },
  },
]
