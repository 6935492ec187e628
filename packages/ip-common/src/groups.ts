import type { Address } from '@stack/core'

/** `first`: tell the routers; `again`: one more holder; `full`: refused (ENOBUFS). */
export type GroupJoin = 'first' | 'again' | 'full'
/** `last`: tell the routers; `still`: others hold it; `absent`: nobody had joined. */
export type GroupLeave = 'last' | 'still' | 'absent'

/** The multicast groups of one (NIC, protocol), counted by holder. What is said to routers is IGMP's and MLD's business. */
export interface GroupMembership {
  readonly size: number
  join(group: Address): GroupJoin
  leave(group: Address): GroupLeave
  /** On the packet path. */
  has(a: number, b: number, c: number, d: number): boolean
  list(): readonly Address[]
}

interface Group {
  readonly address: Address
  holders: number
}

/**
 * @param maximum groups at once; further ones are refused. Default 1,024.
 */
export function createGroupMembership(maximum = 1024): GroupMembership {
  // Groups of one NIC seldom share their low word; those that do share a list.
  const byLowWord = new Map<number, Group[]>()
  let size = 0

  function find(a: number, b: number, c: number, d: number): Group | undefined {
    const groups = byLowWord.get(d)
    if (groups === undefined) return undefined
    for (const group of groups) {
      const own = group.address
      if (own.c === c && own.b === b && own.a === a) return group
    }
    return undefined
  }

  return {
    get size() {
      return size
    },
    join(address) {
      const group = find(address.a, address.b, address.c, address.d)
      if (group !== undefined) {
        group.holders++
        return 'again'
      }
      if (size >= maximum) return 'full'
      const groups = byLowWord.get(address.d)
      if (groups === undefined) byLowWord.set(address.d, [{ address, holders: 1 }])
      else groups.push({ address, holders: 1 })
      size++
      return 'first'
    },
    leave(address) {
      const group = find(address.a, address.b, address.c, address.d)
      if (group === undefined) return 'absent'
      if (--group.holders > 0) return 'still'
      const groups = byLowWord.get(address.d)!
      groups.splice(groups.indexOf(group), 1)
      if (groups.length === 0) byLowWord.delete(address.d)
      size--
      return 'last'
    },
    has(a, b, c, d) {
      return find(a, b, c, d) !== undefined
    },
    list() {
      return [...byLowWord.values()].flat().map((group) => group.address)
    },
  }
}
