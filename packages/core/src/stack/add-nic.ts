import type { Address } from '../address/address.ts'
import { StackError } from '../errors/stack-error.ts'
import { NicDevice } from '../nic/nic.ts'
import { NicHandle } from '../nic/nic-handle.ts'
import type { LinkEndpoint } from '../registration/link.ts'
import { follow, orAborted, reasonOf } from './abort.ts'
import { parseAddressText, parsePrefixText, type ParsedPrefix } from './address-text.ts'
import type { StackContext } from './context.ts'
import { checkOptions, type OptionSchema } from './options.ts'
import type { NicOptions, StackBase } from './types.ts'

const SCHEMA: OptionSchema<NicOptions> = {
  name: { type: 'string' },
  addresses: { type: 'array' },
  gateway: { type: 'any' },
  configure: { type: 'array' },
  qdisc: { type: 'object' },
  neighbors: { type: 'object' },
  promiscuous: { type: 'boolean' },
  spoofing: { type: 'boolean' },
  ranges: { type: 'array' },
  skipDuplicateDetection: { type: 'boolean' },
  optimistic: { type: 'boolean' },
  verifyChecksums: { type: 'boolean' },
  softwareGso: { type: 'boolean' },
  gro: { type: 'boolean' },
  signal: { type: 'signal' },
}

/** Adds NICs to one stack. */
export class NicAdder {
  /** Links that are being opened: not attached yet, and not to be had either. */
  private readonly opening = new Set<LinkEndpoint>()
  private readonly context: StackContext
  private readonly stack: StackBase

  constructor(context: StackContext, stack: StackBase) {
    this.context = context
    this.stack = stack
  }

  /** As `Stack.addNic`. After a failure nothing is left: no NIC, no routes, and the link is closed if it was opened. */
  async add<L extends LinkEndpoint>(link: L, options: NicOptions): Promise<NicHandle<L>> {
    const { context } = this
    checkOptions('addNic', options, SCHEMA)
    this.checkLink(link)
    const addresses = (options.addresses ?? []).map((text) => ({ text, prefix: parsePrefixText(context, text) }))
    const gateways = listOf(options.gateway).map((text) => parseAddressText(context, text))
    const ranges = (options.ranges ?? []).map((text) => parsePrefixText(context, text, true))
    this.checkName(options.name)

    const controller = new AbortController()
    const unfollow = [follow(controller, options.signal), follow(controller, context.lifetime)]
    this.opening.add(link)
    context.host.ref()
    try {
      if (controller.signal.aborted) throw reasonOf(controller.signal)
      if (link.open !== undefined) await this.open(link, controller.signal)
      return await this.attach(link, options, addresses, ranges, gateways, controller)
    } finally {
      this.opening.delete(link)
      context.host.unref()
      for (const undo of unfollow) undo()
    }
  }

  private async open(link: LinkEndpoint, signal: AbortSignal): Promise<void> {
    try {
      await orAborted(link.open!(signal), signal)
    } catch (error) {
      link.close()
      throw error
    }
  }

  private async attach<L extends LinkEndpoint>(
    link: L, options: NicOptions, addresses: readonly { readonly text: string; readonly prefix: ParsedPrefix }[], ranges: readonly ParsedPrefix[],
    gateways: readonly Address[], controller: AbortController,
  ): Promise<NicHandle<L>> {
    const { context } = this
    const { nics, router } = context
    // Again: another stack may have attached it, or another NIC taken the name, while it was opened.
    if (link.isAttached) throw busy(link)
    this.checkName(options.name)
    const device = new NicDevice(context, nics.takeId(), options.name ?? nics.freeName(link.kind), link, options)
    const handle = new NicHandle<L>(context, device, link, controller)
    nics.add(device, handle)
    try {
      device.open()
      for (const { prefix } of addresses) handle.checkUsable(prefix.protocol)
      for (const range of ranges) handle.takeRange(range)
      if (options.promiscuous === true) link.setPromiscuous?.(true)
      const { events, scheduler } = context.host
      if (events.has('nic-added')) events.emit('nic-added', { nicId: device.id, name: device.name })
      device.start()
      const { skipDuplicateDetection = false, optimistic = true } = options
      const assigned = addresses.map(({ text, prefix }) =>
        handle.addPrefix(prefix, text, { skipDuplicateDetection, optimistic, signal: controller.signal }))
      for (const gateway of gateways) router.addGateway(device.id, gateway)
      scheduler.run()
      await Promise.all(assigned)
      for (const configurator of options.configure ?? []) {
        await orAborted(configurator.configure(handle, this.stack, controller.signal), controller.signal)
      }
      if (controller.signal.aborted) throw reasonOf(controller.signal)
      return handle
    } catch (error) {
      handle.remove().catch(() => undefined)
      throw error
    }
  }

  private checkLink(link: LinkEndpoint): void {
    const given = link as LinkEndpoint | null | undefined
    if (typeof given !== 'object' || given === null || typeof (given.attach as unknown) !== 'function') {
      throw new StackError('ERR_STACK_INVALID_ARGUMENT', 'addNic takes a link, such as tun({ name: "tap0" }) or one end of a pipe().', { syscall: 'addNic' })
    }
    if ((given.apiVersion as number) !== 1) {
      throw new StackError(
        'ERR_STACK_API_VERSION',
        `The link ${given.kind} was built for version ${given.apiVersion as number} of the link interface and this stack speaks version 1: update the older of the two packages.`,
        { syscall: 'addNic' },
      )
    }
    if (given.isAttached || this.opening.has(given)) throw busy(given)
  }

  private checkName(name: string | undefined): void {
    if (name === undefined) return
    if (name === '' || /^\d+$/.test(name) || /[%/\s]/.test(name)) {
      throw new StackError('ERR_STACK_INVALID_OPTION', `The NIC name "${name}" must have a letter, and no space, % or /.`, { syscall: 'addNic' })
    }
    if (this.context.nics.devices.some((device) => device.name === name)) {
      throw new StackError('ERR_STACK_INVALID_OPTION', `A NIC "${name}" is there already: give each NIC a name of its own.`, { syscall: 'addNic' })
    }
  }
}

function listOf(given: string | readonly string[] | undefined): readonly string[] {
  if (given === undefined) return []
  if (typeof given === 'string') return [given]
  // Called with whatever JavaScript hands in, whatever the type says.
  if (Array.isArray(given)) return given as readonly string[]
  throw new StackError('ERR_STACK_INVALID_OPTION', `addNic: option 'gateway' must be an address or an array of them, received ${String(given)}.`, { syscall: 'addNic' })
}

function busy(link: LinkEndpoint): StackError {
  return new StackError('ERR_STACK_BUSY', `The link ${link.kind} belongs to a NIC: make another link, or remove that NIC first.`, { syscall: 'addNic' })
}
