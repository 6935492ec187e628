import { StackError, isStackError } from '../errors/stack-error.ts'
import type { Plugin, PluginKind } from '../registration/plugin.ts'
import { destroyParts } from './close.ts'
import { createHost } from './hosts.ts'
import type { Check, Installed, PluginItem } from './installed.ts'
import { checkOptions, type OptionSchema } from './options.ts'
import { StackParts } from './parts.ts'
import { StackObject } from './stack.ts'
import type { StackBase, StackOptions } from './types.ts'

const SCHEMA: OptionSchema<StackOptions & { readonly plugins: readonly PluginItem[] }> = {
  plugins: { type: 'object' },
  name: { type: 'string' },
  clock: { type: 'object' },
  secureRandom: { type: 'object' },
  random: { type: 'object' },
  memory: { type: 'object' },
  log: { type: 'object' },
  onError: { type: 'function' },
}

/** Parts that a program may bring: what each has to have, and what it is. */
const PARTS = [
  ['clock', 'setAlarm', 'a Clock'],
  ['secureRandom', 'uint32', 'a SecureRandom'],
  ['random', 'next', 'a Random'],
  ['memory', 'allocate', 'a PacketPool, such as createPacketMemory().pool()'],
  ['log', 'warn', 'a Logger'],
] as const

/** Network protocols first: transports ask for them in their setup. */
const ORDER: readonly PluginKind[] = ['network', 'transport', 'raw']

/** What is registered by a plugin of each kind. */
const REGISTERS: Readonly<Record<PluginKind, string>> = {
  network: 'a network protocol', transport: 'a transport protocol', raw: 'a raw factory',
}

/**
 * Makes a stack of the plugins given. Their APIs are its properties: `createStack({ plugins: [ipv4(), tcp()] }).tcp`.
 * Entries may be false (`debug && udp()`) or lists (presets); their order does not matter.
 *
 * @throws StackError `ERR_STACK_MISSING_PLUGIN`, `ERR_STACK_ALREADY_INSTALLED`, `ERR_STACK_API_VERSION`,
 * `ERR_STACK_SETUP`, `ERR_STACK_INVALID_OPTION`; nothing is left running then
 *
 * @example
 * ```ts
 * import { createStack } from '@stack/core'
 * import { ipv4 } from '@stack/ipv4'
 * import { tcp } from '@stack/tcp'
 *
 * const stack = createStack({ name: 'example', plugins: [ipv4(), tcp()] })
 * await stack.close({ timeout: 1000 })
 * ```
 */
export function createStack<const L extends readonly PluginItem[]>(
  options: { readonly plugins: L } & StackOptions & Check<L>,
): StackBase & Installed<L> {
  checkOptions('createStack', options, SCHEMA)
  checkBrought(options)
  const plugins = flatten(options.plugins)
  for (const plugin of plugins) checkPlugin(plugin)
  checkNames(plugins)
  checkNeeds(plugins)

  const parts = new StackParts(options)
  const apis = new Map<string, unknown>()
  const stack = new StackObject(parts, apis)
  try {
    for (const kind of ORDER) {
      for (const plugin of plugins) {
        if (plugin.kind !== kind) continue
        const api = setUp(plugin, kind, parts)
        apis.set(plugin.name, api)
        Object.defineProperty(stack, plugin.name, { value: api, enumerable: true })
      }
    }
  } catch (error) {
    destroyParts(parts)
    throw error
  }
  parts.protocols.sealed = true
  return stack as unknown as StackBase & Installed<L>
}

/** @throws StackError `ERR_STACK_INVALID_OPTION` for a part that is another thing */
function checkBrought(options: StackOptions): void {
  for (const [name, method, what] of PARTS) {
    const part = options[name] as Readonly<Record<string, unknown>> | undefined
    if (part !== undefined && typeof part[method] !== 'function') {
      throw new StackError('ERR_STACK_INVALID_OPTION', `createStack: option '${name}' must be ${what}: what was given has no ${method}().`)
    }
  }
}

/** The leaves of nested lists, without what conditions left behind. */
function flatten(items: readonly PluginItem[]): Plugin[] {
  if (!Array.isArray(items)) {
    throw new StackError('ERR_STACK_INVALID_OPTION', 'createStack: plugins must be an array, such as [ipv4(), tcp()].')
  }
  const leaves: Plugin[] = []
  for (const item of items as readonly PluginItem[]) {
    if (isList(item)) leaves.push(...flatten(item))
    else if (item) leaves.push(item as Plugin)
  }
  return leaves
}

function isList(item: PluginItem): item is readonly PluginItem[] {
  return Array.isArray(item)
}

function checkPlugin(plugin: Plugin): void {
  // Called with whatever JavaScript hands in, whatever the type says.
  const given = plugin as Partial<Record<keyof Plugin, unknown>> | ((...args: never[]) => unknown)
  if (typeof given === 'function') {
    throw new StackError('ERR_STACK_INVALID_OPTION', `createStack: an entry of plugins is the function ${given.name}: call it, ${given.name}().`)
  }
  if (typeof given !== 'object' || typeof given.name !== 'string' || typeof given.setup !== 'function') {
    throw new StackError('ERR_STACK_INVALID_OPTION', 'createStack: an entry of plugins is not a plugin: give what a protocol package returns, such as tcp().')
  }
  if (given.apiVersion !== 1) {
    throw new StackError(
      'ERR_STACK_API_VERSION',
      `The plugin ${given.name} was built for version ${String(given.apiVersion)} of the plugin interface and this core speaks version 1: update the older of the two packages.`,
    )
  }
  if (!ORDER.includes(given.kind as PluginKind)) {
    throw new StackError('ERR_STACK_INVALID_OPTION', `createStack: the plugin ${given.name} is of kind "${String(given.kind)}": this core knows ${ORDER.join(', ')}.`)
  }
}

function checkNames(plugins: readonly Plugin[]): void {
  const names = new Set<string>()
  for (const { name } of plugins) {
    if (names.has(name)) {
      throw new StackError('ERR_STACK_ALREADY_INSTALLED', `Two plugins are named ${name}: leave one of them out.`)
    }
    names.add(name)
    if (name in StackObject.prototype || name === 'routes') {
      throw new StackError('ERR_STACK_ALREADY_INSTALLED', `The plugin name ${name} is taken by the stack itself: its author must choose another.`)
    }
  }
}

function checkNeeds(plugins: readonly Plugin[]): void {
  for (const { name, needs = [] } of plugins) {
    for (const need of needs) {
      if (plugins.some((other) => other.name === need)) continue
      throw new StackError('ERR_STACK_MISSING_PLUGIN', `The plugin ${name} needs ${need}: add ${need}() to plugins.`)
    }
  }
}

function setUp(plugin: Plugin, kind: PluginKind, parts: StackParts): unknown {
  const before = registered(kind, parts)
  let api: unknown
  try {
    api = plugin.setup(createHost(kind, parts, parts.hostParts))
  } catch (error) {
    if (isStackError(error)) throw error
    throw new StackError('ERR_STACK_SETUP', `The setup of the plugin ${plugin.name} failed: ${error instanceof Error ? error.message : String(error)}.`, { cause: error })
  }
  if (typeof (api as { readonly then?: unknown } | null | undefined)?.then === 'function') {
    throw new StackError('ERR_STACK_SETUP', `The setup of the plugin ${plugin.name} returned a promise: setup is synchronous.`)
  }
  if (registered(kind, parts) === before) {
    throw new StackError('ERR_STACK_SETUP', `The plugin ${plugin.name} is of kind "${kind}" and did not register ${REGISTERS[kind]} in its setup.`)
  }
  return api
}

/** How many of its kind are registered. */
function registered(kind: PluginKind, { protocols, demultiplexer }: StackParts): number {
  if (kind === 'network') return protocols.network.length
  return kind === 'transport' ? demultiplexer.protocols.length : Number(protocols.rawFactory !== null)
}
