import { StackError, type Address, type TransportHost } from '@stack/core'

interface Membership {
  readonly nicId: number
  readonly group: Address
}

/** Multicast groups that one socket joined. */
export class Memberships {
  private readonly host: TransportHost
  private readonly joined = new Map<string, Membership>()

  constructor(host: TransportHost) {
    this.host = host
  }

  /** `nicId` 0 = the one that the zone names, or else where the route leads. */
  join(text: string, nicId: number): void {
    const { host } = this
    const group = this.group(text, 'joinGroup')
    const nic = this.nic(group, nicId, 'joinGroup')
    const key = keyOf(group, nic)
    if (this.joined.has(key)) {
      throw new StackError('EADDRINUSE', `The socket is in ${text} on this NIC already.`, { syscall: 'joinGroup', address: text })
    }
    const failure = host.joinGroup(nic, group)
    if (failure !== null) throw new StackError(failure, `Joining ${text} failed: ${failure}.`, { syscall: 'joinGroup', address: text })
    this.joined.set(key, { nicId: nic, group })
  }

  leave(text: string, nicId: number): void {
    const group = this.group(text, 'leaveGroup')
    const nic = this.nic(group, nicId, 'leaveGroup')
    if (!this.joined.delete(keyOf(group, nic))) {
      throw new StackError('EADDRNOTAVAIL', `The socket is not in ${text} on this NIC.`, { syscall: 'leaveGroup', address: text })
    }
    this.host.leaveGroup(nic, group)
  }

  leaveAll(): void {
    for (const { nicId, group } of this.joined.values()) this.host.leaveGroup(nicId, group)
    this.joined.clear()
  }

  private group(text: string, syscall: string): Address {
    const group = this.host.parseAddress(text)
    if (this.host.isMulticast(group)) return group
    throw new StackError('EINVAL', `${text} is not a multicast address.`, { syscall, address: text })
  }

  private nic(group: Address, nicId: number, syscall: string): number {
    const wanted = nicId === 0 ? group.zone : nicId
    if (wanted !== 0) return wanted
    const route = this.host.findRoute(0, null, group)
    if (route !== null && typeof route === 'object') return route.nic.id
    throw new StackError('ENODEV', `No route leads to the group: name the NIC, ${syscall}(group, { nic }).`, { syscall })
  }
}

function keyOf({ a, b, c, d }: Address, nicId: number): string {
  return `${a} ${b} ${c} ${d} ${nicId}`
}
