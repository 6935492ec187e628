/**
 * Linux TUN and TAP devices as links, for @stack.
 *
 * @packageDocumentation
 */
export {}
