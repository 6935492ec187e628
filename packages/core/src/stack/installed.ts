import type { Plugin } from '../registration/plugin.ts'

/** What a conditional entry leaves behind: `debug && udp()`. */
export type Falsy = false | null | undefined | 0 | ''

/** An entry of `plugins`: a plugin, nothing, or a (nested) list of entries such as a preset. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- variance: a host or API of any plugin
export type PluginItem = Plugin<any, string, any, any> | Falsy | readonly PluginItem[]

// A tuple walk over the entries: who is surely there, who perhaps, and what is needed but missing.
type AnyPlugin = Plugin<any, any, any, any> // eslint-disable-line @typescript-eslint/no-explicit-any -- same
// A list that may hold anything (`PluginItem[]`) names nobody, and has no end to walk to.
type Leaf<I> = I extends readonly unknown[] ? (PluginItem extends I[number] ? never : Leaf<I[number]>) : I extends AnyPlugin ? I : never
type FalsyOf<I> = I extends readonly unknown[] ? never : Extract<I, Falsy>
type LengthOf<T> = T extends readonly unknown[] ? T['length'] : 0
type IsUnion<T, U = T> = T extends unknown ? ([U] extends [T] ? false : true) : never
type SureEntries<L extends readonly unknown[]> = {
  [K in keyof L]: [FalsyOf<L[K]>] extends [never]
    ? number extends LengthOf<L[K]>
      ? never
      : L[K] extends readonly unknown[]
        ? SureEntries<L[K]>[number]
        : IsUnion<L[K]> extends true
          ? never
          : Leaf<L[K]>
    : never
}
type Sure<L extends readonly unknown[]> = Extract<SureEntries<L>[number], AnyPlugin>
type Maybe<L extends readonly unknown[]> = Exclude<Leaf<L[number]>, Sure<L>>
/** The name of a plugin type. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- same
export type NameOf<P> = P extends Plugin<any, infer N, any, any> ? N : never
/** The API of a plugin type. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- same
export type ApiOf<P> = P extends Plugin<any, any, infer A, any> ? A : never
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- same
type NeedsOf<P> = P extends Plugin<any, any, any, infer R> ? (string extends R ? never : R) : never
type Missing<L extends readonly unknown[]> = Exclude<NeedsOf<Leaf<L[number]>>, NameOf<Leaf<L[number]>>>

/** Known names only: a plugin whose name is just `string` adds no property, `find` serves it. */
type KnownName<P> = string extends NameOf<P> ? never : NameOf<P>

/** The properties that a list of plugins adds to a stack; conditional entries are optional. */
export type Installed<L extends readonly unknown[]> = { readonly [P in Sure<L> as KnownName<P>]: ApiOf<P> } & {
  readonly [P in Maybe<L> as KnownName<P>]?: ApiOf<P>
}

/** A compile error that names what is missing. */
export type Check<L extends readonly unknown[]> = [Missing<L>] extends [never]
  ? unknown
  : { readonly 'add these plugins': Missing<L> }
