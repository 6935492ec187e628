/**
 * The wire format of ICMP echo: views, checked parsers and writers, without stack types.
 *
 * @packageDocumentation
 */
export {}
