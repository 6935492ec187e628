import { expectEqual, expectThat, notApplicable, type CaseOf } from './case.ts'
import type { LinkBench } from './link-bench.ts'

/** What the link says of itself, and how it comes and goes. */
export const LIFE_CASES: readonly CaseOf<LinkBench>[] = [
  {
    name: 'describes itself',
    clause: 'LinkEndpoint.apiVersion, kind, mtu, framing, maxHeaderLength, arpHardwareType',
    check({ link }) {
      expectEqual(link.apiVersion, 1, 'apiVersion')
      expectThat(/^[a-z][a-z0-9-]*$/.test(link.kind), `The kind '${link.kind}' does not do as the beginning of a NIC's name.`)
      expectThat(Number.isInteger(link.mtu) && link.mtu >= 68 && link.mtu <= 65_535, `The MTU is ${String(link.mtu)} bytes.`)
      expectThat(['ip', 'ethernet'].includes(link.framing), `The framing is '${link.framing}'.`)
      expectThat(Number.isInteger(link.maxHeaderLength) && link.maxHeaderLength >= 0, `maxHeaderLength is ${String(link.maxHeaderLength)}.`)
      expectThat(Number.isInteger(link.arpHardwareType) && link.arpHardwareType >= 0 && link.arpHardwareType <= 0xffff, `arpHardwareType is ${String(link.arpHardwareType)}.`)
    },
  },
  {
    name: 'has an Ethernet address when it carries Ethernet',
    clause: 'LinkEndpoint.linkAddress: 6 bytes for Ethernet; arpHardwareType: 1 = Ethernet',
    check({ link }) {
      if (link.framing !== 'ethernet') notApplicable('The link carries bare packets.')
      expectEqual(link.linkAddress?.length, 6, 'The length of the link address')
      expectEqual(link.linkAddress![0]! & 1, 0, 'The group bit of the link address')
      expectEqual(link.arpHardwareType, 1, 'arpHardwareType')
    },
  },
  {
    name: 'knows whether it is attached',
    clause: 'LinkEndpoint.isAttached',
    check({ link }) {
      expectEqual(link.isAttached, true, 'isAttached after attach(nic)')
      link.attach(null)
      expectEqual(link.isAttached, false, 'isAttached after attach(null)')
    },
  },
  {
    name: 'delivers nothing without a NIC',
    clause: 'LinkEndpoint.attach: null when the NIC goes: deliver nothing any more',
    async check(bench) {
      bench.arriving(2)
      bench.link.attach(null)
      // Some links deliver at once.
      const before = bench.nic.arrivals.length
      if (bench.peer !== null) bench.arriving(2)
      await bench.pass()
      expectEqual(bench.nic.arrivals.length, before, 'The number of packets delivered, some of them to a NIC that is gone,')
    },
  },
  {
    name: 'releases what waits when its NIC goes',
    clause: 'LinkEndpoint.attach: null when the NIC goes',
    async check(bench) {
      bench.arriving(3)
      bench.send(bench.batch(3))
      bench.link.attach(null)
      bench.peer?.receive()
      await bench.pass()
      bench.peer?.receive()
      expectEqual(bench.pool.packets, 0, 'The number of packets held after the NIC has gone')
    },
  },
  {
    name: 'releases what it takes without a NIC',
    clause: 'LinkEndpoint.writePackets: takes ownership of the first N packets and returns N',
    async check(bench) {
      bench.link.attach(null)
      const batch = bench.batch(3)
      const taken = bench.send(batch)
      await bench.sent()
      expectThat(taken >= 0 && taken <= 3, `writePackets returned ${String(taken)} for a batch of 3.`)
      expectEqual(bench.pool.packets, 0, `The number of packets held after ${String(taken)} of 3 were taken without a NIC`)
    },
  },
  {
    name: 'works for another NIC after the first has gone',
    clause: 'LinkEndpoint.attach',
    async check(bench) {
      const { link, nic } = bench
      link.attach(null)
      await bench.pass()
      link.attach(nic)
      await bench.pass()
      bench.arriving(1)
      await bench.pass()
      expectEqual(nic.arrivals.splice(0).length, 1, 'The number of packets delivered after the link was attached again')
      bench.send(bench.batch(1))
      expectEqual((await bench.sent()).length, 1, 'The number of packets sent after the link was attached again')
    },
  },
  {
    name: 'closed resolves after close, and not before',
    clause: 'LinkEndpoint.closed: resolves when the link is closed and its resources are free',
    async check(bench) {
      let isClosed = false
      void bench.link.closed.then(() => {
        isClosed = true
      })
      await bench.pass()
      expectEqual(isClosed, false, 'Whether closed has resolved before close')
      bench.close()
      await bench.pass()
      expectEqual(isClosed, true, 'Whether closed has resolved after close')
    },
  },
  {
    name: 'may be closed twice',
    clause: 'LinkEndpoint.close',
    async check(bench) {
      bench.close()
      await bench.pass()
      bench.close()
      await bench.pass()
    },
  },
  {
    name: 'delivers nothing after close',
    clause: 'LinkEndpoint.close',
    async check(bench) {
      bench.arriving(2)
      bench.close()
      const before = bench.nic.arrivals.length
      await bench.pass()
      expectEqual(bench.nic.arrivals.length, before, 'The number of packets delivered, some of them after close,')
    },
  },
  {
    name: 'releases what it takes after close',
    clause: 'LinkEndpoint.close; writePackets: takes ownership',
    async check(bench) {
      bench.close()
      bench.send(bench.batch(3))
      bench.link.writeRawPacket(bench.packet(bench.outgoing(1)))
      await bench.pass()
      expectEqual(bench.pool.packets, 0, 'The number of packets held after a closed link was written to')
    },
  },
  {
    name: 'leaves no timer behind',
    clause: 'LinkEndpoint.closed: its resources are free',
    check(bench) {
      bench.arriving(2)
      bench.send(bench.batch(2))
      bench.link.attach(null)
      bench.close()
      expectEqual(bench.nic.timers.armed, 0, 'The number of timers armed after close')
    },
  },
  {
    name: 'does not hold the process after close',
    clause: 'LinkHost.ref: pair with unref',
    async check(bench) {
      bench.send(bench.batch(1))
      await bench.pass()
      bench.link.attach(null)
      bench.close()
      await bench.pass()
      expectEqual(bench.nic.holds, 0, 'The number of holds on the process after close')
    },
  },
  {
    name: 'open is over at once when its signal is',
    clause: 'LinkEndpoint.open: every asynchronous call takes a signal',
    async check({ link }) {
      if (link.open === undefined) notApplicable('The link needs no opening.')
      const reason = new Error('aborted by the suite')
      const outcome = await link.open(AbortSignal.abort(reason)).then(() => null, (error: unknown) => error)
      expectThat(outcome === reason, outcome === null ? 'open resolved although its signal was aborted before.' : 'open rejected with something else than the reason of its signal.')
    },
  },
  {
    name: 'setMtu sets the MTU',
    clause: 'LinkEndpoint.setMtu',
    check({ link }) {
      if (link.setMtu === undefined) notApplicable('The MTU of the link cannot change.')
      link.setMtu(1280)
      expectEqual(link.mtu, 1280, 'The MTU after setMtu(1280)')
    },
  },
  {
    name: 'setLinkAddress sets the link address',
    clause: 'LinkEndpoint.setLinkAddress',
    check({ link }) {
      if (link.setLinkAddress === undefined) notApplicable('The link address cannot change.')
      link.setLinkAddress(Uint8Array.of(2, 0, 0, 0, 0, 9))
      if (link.framing === 'ethernet') expectEqual(link.linkAddress?.join(':'), '2:0:0:0:0:9', 'The link address after setLinkAddress')
    },
  },
  {
    name: 'says when the carrier goes',
    clause: 'NetworkDispatcher.setCarrier: the carrier went away or came back',
    async check(bench) {
      const { peer, nic, clock } = bench
      if (peer?.disconnect === undefined) notApplicable('The link has no carrier to lose.')
      peer.disconnect()
      await clock.settle()
      expectEqual(nic.carrier, false, 'The carrier after the other end went away')
    },
  },
  {
    name: 'says when the carrier comes back',
    clause: 'NetworkDispatcher.setCarrier: the carrier went away or came back',
    async check(bench) {
      const { peer, nic, clock } = bench
      if (peer?.disconnect === undefined || peer.connect === undefined) notApplicable('The link\'s carrier does not come back.')
      peer.disconnect()
      await clock.settle()
      peer.connect()
      await clock.settle()
      expectEqual(nic.carrier, true, 'The carrier after the other end came back')
    },
  },
]

/** Does what is written come back in? */
export function isLoopbackLink({ link }: LinkBench): boolean {
  return link.capabilities.loopback === true
}
