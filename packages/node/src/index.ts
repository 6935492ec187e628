/**
 * The net, dgram and http APIs of Node over @stack.
 *
 * @packageDocumentation
 */
export {}
