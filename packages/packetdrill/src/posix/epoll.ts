import type { OpenFile, Operation } from './file.ts'
import { Ready } from './file.ts'
import { fail, ok, type Outcome } from './pending-call.ts'
import type { EpollEvent } from './structs.ts'

const EDGE_TRIGGERED = 0x8000_0000
const ONE_SHOT = 0x4000_0000

interface Interest {
  readonly file: OpenFile
  readonly fd: number
  event: EpollEvent
  /** Edge-triggered: what it was told of. */
  edges: number
  isOff: boolean
}

/** One event that epoll_wait reports. */
export interface EpollReport {
  readonly events: number
  /** As it was given to epoll_ctl; the descriptor when nothing was. */
  readonly data: { readonly name: string; readonly value: number }
}

/** epoll(7): level- and edge-triggered, one-shot. */
export class Epoll implements OpenFile {
  readonly kind = 'epoll'
  isNonBlocking = false
  readonly edges = 0
  private readonly interests = new Map<number, Interest>()

  add(fd: number, file: OpenFile, event: EpollEvent): Outcome {
    if (this.interests.has(fd)) return fail('EEXIST')
    this.interests.set(fd, { file, fd, event, edges: -1, isOff: false })
    return ok()
  }

  modify(fd: number, event: EpollEvent): Outcome {
    const interest = this.interests.get(fd)
    if (interest === undefined) return fail('ENOENT')
    interest.event = event
    interest.edges = -1
    interest.isOff = false
    return ok()
  }

  remove(fd: number): Outcome {
    return this.interests.delete(fd) ? ok() : fail('ENOENT')
  }

  /** At most `most` events that are ready, in the order in which they were added. */
  collect(most: number): readonly EpollReport[] {
    const reports: EpollReport[] = []
    for (const interest of this.interests.values()) {
      if (reports.length === most) break
      const events = this.ready(interest)
      if (events === 0) continue
      interest.edges = interest.file.edges
      if ((interest.event.events & ONE_SHOT) !== 0) interest.isOff = true
      reports.push({ events, data: interest.event.data ?? { name: 'fd', value: interest.fd } })
    }
    return reports
  }

  private ready({ file, event, edges, isOff }: Interest): number {
    if (isOff || ((event.events & EDGE_TRIGGERED) !== 0 && edges === file.edges)) return 0
    return file.poll() & (event.events | Ready.Err | Ready.Hup)
  }

  poll(): number {
    return [...this.interests.values()].some((interest) => this.ready(interest) !== 0) ? Ready.In : 0
  }

  close(): Operation {
    this.abort()
    return { attempt: () => ok() }
  }

  abort(): void {
    this.interests.clear()
  }
}
