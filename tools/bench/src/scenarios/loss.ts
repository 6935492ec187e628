import { createStack, type NicOptions } from '@stack/core'
import { ipv4 } from '@stack/ipv4'
import { netem } from '@stack/link-netem'
import { pipe } from '@stack/link-pipe'
import { reno, tcp, type CongestionAlgorithm } from '@stack/tcp'
import { manualClock } from '@stack/testing'
import { cpuTime, type Figure } from '../measure.ts'

const PORT = 5006
const CHUNK = 64 * 1024
/** Segments in flight, whatever is lost. */
const WINDOW = 256
/** ms each way. */
const DELAY = 10

/** A window that never changes: what loss costs is then the repair, and not a smaller window. */
const fixed: CongestionAlgorithm = {
  name: 'fixed',
  create(sender) {
    const hold = (): void => {
      control.cwnd = control.ssthresh = WINDOW * sender.mss
    }
    const control = Object.assign(reno().create(sender), {
      name: 'fixed', onAck: hold, onLoss: hold, onRecovered: hold, onUndo: hold, onTimeout: hold, onIdle: hold, onLostSyn: hold, onMss: hold,
    })
    hold()
    return control
  },
}

/** ns of CPU time for each byte delivered over a path that loses a part of the packets, in virtual time. */
export async function lossy(loss: number, bytes: number, offload: Pick<NicOptions, 'gro' | 'softwareGso'> = {}): Promise<Figure> {
  const clock = manualClock()
  const plugins = [ipv4(), tcp({ congestionControls: [fixed], congestionControl: 'fixed', sendBuffer: 1 << 21, receiveBuffer: 1 << 21 })] as const
  const client = createStack({ plugins, clock })
  const server = createStack({ plugins: [ipv4(), tcp({ receiveBuffer: 1 << 21 })] as const, clock })
  const [left, right] = pipe({ latency: DELAY })
  await client.addNic(netem(left, { loss, direction: 'out', seed: 1 }), { addresses: ['10.0.0.1/24'], ...offload })
  await server.addNic(right, { addresses: ['10.0.0.2/24'], ...offload })
  const listener = server.tcp.listen({ port: PORT })
  const connection = await clock.until(client.tcp.connect({ host: '10.0.0.2', port: PORT }))
  const peer = (await clock.until(listener.accept()))!
  const chunk = new Uint8Array(CHUNK).fill(7)
  const into = new Uint8Array(CHUNK)
  const cost = await cpuTime(bytes, async () => {
    let sent = 0
    let got = 0
    const push = (): void => {
      while (sent < bytes) {
        const count = connection.tryWrite(chunk)
        if (count === 0) return
        sent += count
      }
    }
    const done = new Promise<void>((resolve) => {
      peer.setHandler({
        readable: () => {
          for (let count = peer.tryRead(into); typeof count === 'number'; count = peer.tryRead(into)) got += count
          if (got >= bytes) resolve()
        },
      })
    })
    connection.setHandler({ writable: push })
    push()
    await clock.until(done, 3_600_000)
  })
  client.destroy()
  server.destroy()
  return cost
}
