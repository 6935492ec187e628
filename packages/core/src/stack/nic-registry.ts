import { StackError } from '../errors/stack-error.ts'
import type { NicDevice } from '../nic/nic.ts'
import type { Nic } from './types.ts'

/** The NICs of a stack: as protocols see them and as users do. */
export class NicRegistry {
  /** In order of their ids. Replaced, not changed. */
  devices: readonly NicDevice[] = []
  handles: readonly Nic[] = []
  private nextId = 1
  private endpointId = 0

  /** Ids are never used twice. */
  takeId(): number {
    return this.nextId++
  }

  nextEndpointId(): number {
    return ++this.endpointId
  }

  add(device: NicDevice, handle: Nic): void {
    this.devices = [...this.devices, device]
    this.handles = [...this.handles, handle]
  }

  remove(device: NicDevice): void {
    this.devices = this.devices.filter((other) => other !== device)
    this.handles = this.handles.filter((other) => other.id !== device.id)
  }

  device(id: number): NicDevice | null {
    const { devices } = this
    for (let i = 0; i < devices.length; i++) if (devices[i]!.id === id) return devices[i]!
    return null
  }

  /** By id, id as text, or name. */
  find(nic: number | string): NicDevice | null {
    return this.devices.find((device) => device.name === nic || device.id === Number(nic)) ?? null
  }

  /** Throws `ENODEV`. */
  require(nic: number | string): NicDevice {
    const device = this.find(nic)
    if (device === null) {
      const names = this.devices.map((other) => other.name).join(', ')
      throw new StackError('ENODEV', `There is no NIC "${nic}": ${names === '' ? 'add one with addNic' : `this stack has ${names}`}.`)
    }
    return device
  }

  /** `tun0`, `tun1` …: the first that is free. */
  freeName(kind: string): string {
    for (let n = 0; ; n++) {
      const name = `${kind}${n}`
      if (!this.devices.some((device) => device.name === name)) return name
    }
  }
}
