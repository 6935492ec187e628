import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { createStack, type LinkEndpoint } from '@stack/core'
import { ipv4 } from '@stack/ipv4'
import { netem } from '@stack/link-netem'
import { pipe } from '@stack/link-pipe'
import { tun } from '@stack/link-tun'
import { internet } from '@stack/preset-internet'
import { bbr } from '@stack/tcp'
import { Peer } from './peer.ts'

const PORT = 5001
const RECEIVER = fileURLToPath(new URL('children/receive.mjs', import.meta.url))
/** Left sends, right receives; the relay is .254 of both nets. */
const NETS = { left: '10.79.1', right: '10.79.2' } as const
/** The relay sends at 50 Mbit/s; the round trip is 20 ms, and the queue before the wire as long as what is on it. */
const RATE = 50_000_000
const DELAY = 10
const QUEUE = Math.ceil((RATE * 2 * DELAY) / 1000 / 8 / 1500)

/** Whose TCP it is. */
export type Who = 'kernel' | 'stack'

interface Host {
  /** What the relay sees of it. */
  readonly link: LinkEndpoint
  /** Once the relay has the link. */
  attached(): Promise<void>
  send(size: number, algorithm: string): Promise<void>
  /** Resolves when it listens, with what resolves to the ms from the first byte to the last. */
  receive(size: number): Promise<{ readonly took: Promise<number> }>
  close(): Promise<void>
}

/** One run through the relay. */
export interface Transfer {
  readonly sender: Who
  readonly receiver: Who
  readonly algorithm: string
  readonly size: number
  /** Part of the packets that the relay loses on the way to the receiver. */
  readonly loss: number
}

/**
 * `size` bytes of one connection, from one host to another, through a router of ours with a narrow and long wire behind it.
 *
 * @returns bytes a second
 */
export async function transfer({ sender, receiver, algorithm, size, loss }: Transfer, signal: AbortSignal): Promise<number> {
  const router = createStack({ plugins: [ipv4({ forwarding: true })] })
  const hosts: Host[] = []
  try {
    const left = await host(sender, 'left', signal)
    hosts.push(left)
    const right = await host(receiver, 'right', signal)
    hosts.push(right)
    const wire = netem(right.link, { delay: DELAY, direction: 'both', limit: 10_000, loss: 0, seed: 1 })
    const lossy = loss === 0 ? wire : netem(wire, { loss, seed: 2 })
    await router.addNic(left.link, { addresses: [`${NETS.left}.254/24`] })
    await router.addNic(netem(lossy, { rate: RATE, limit: QUEUE, seed: 3 }), { addresses: [`${NETS.right}.254/24`] })
    await left.attached()
    await right.attached()
    const { took } = await right.receive(size)
    const [ms] = await Promise.all([took, left.send(size, algorithm)])
    return (size / ms) * 1000
  } finally {
    for (const each of hosts) await each.close()
    router.destroy()
  }
}

function host(who: Who, side: keyof typeof NETS, signal: AbortSignal): Promise<Host> {
  return who === 'kernel' ? kernelHost(side, signal) : stackHost(side, signal)
}

/** A namespace with a TUN device whose other end is the relay's. */
async function kernelHost(side: keyof typeof NETS, signal: AbortSignal): Promise<Host> {
  const name = `lab-${side}`
  const peer = await Peer.create(signal)
  // Without offload: what the relay delays and loses are packets of a wire, whoever sends them.
  const link = tun({ name, offload: false })
  await link.open(signal)
  return {
    link,
    async attached() {
      execFileSync('ip', ['link', 'set', name, 'netns', peer.pid])
      await peer.run(`ip link set ${name} up && ip addr add ${NETS[side]}.1/24 dev ${name} && ip route add default via ${NETS[side]}.254`)
    },
    async send(size, algorithm) {
      // 6, 13: IPPROTO_TCP, TCP_CONGESTION.
      await peer.run(`head -c ${size} /dev/zero | socat -u - TCP:${NETS.right}.1:${PORT},setsockopt-string=6:13:${algorithm}`)
    },
    async receive(size) {
      const service = await peer.start(`${process.execPath} ${RECEIVER} ${PORT} ${size}`, /listening/)
      return { took: service.ended.then(() => Number(/took (.*)/.exec(service.output)?.[1])) }
    },
    close: () => peer.close(),
  }
}

async function stackHost(side: keyof typeof NETS, signal: AbortSignal): Promise<Host> {
  const stack = createStack({ plugins: [internet({ tcp: { congestionControls: [bbr()] } })] })
  const [ours, link] = pipe()
  await stack.addNic(ours, { addresses: [`${NETS[side]}.1/24`], gateway: `${NETS[side]}.254`, skipDuplicateDetection: true, signal })
  return {
    link,
    attached: () => Promise.resolve(),
    async send(size, algorithm) {
      const connection = await stack.tcp.connect({ host: `${NETS.right}.1`, port: PORT, congestionControl: algorithm, signal })
      const zeroes = new Uint8Array(65_536)
      for (let left = size; left > 0; left -= zeroes.length) await connection.write(zeroes.subarray(0, Math.min(left, zeroes.length)), { signal })
      await connection.close()
    },
    receive(size) {
      const listener = stack.tcp.listen({ port: PORT, signal })
      const took = async (): Promise<number> => {
        const connection = (await listener.accept({ signal }))!
        const into = new Uint8Array(262_144)
        let first = 0
        let bytes = 0
        for (let count = await connection.read(into, { signal }); count !== null; count = await connection.read(into, { signal })) {
          if (bytes === 0) first = performance.now()
          bytes += count
        }
        const last = performance.now()
        if (bytes !== size) throw new Error(`${bytes} bytes came of ${size}`)
        await connection.close()
        return last - first
      }
      return Promise.resolve({ took: took() })
    },
    close() {
      stack.destroy()
      return Promise.resolve()
    },
  }
}
