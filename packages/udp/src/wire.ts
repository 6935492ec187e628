/**
 * The wire format of udp: views, checked parsers and writers, without stack types.
 *
 * @packageDocumentation
 */
export {}
