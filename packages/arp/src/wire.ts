/**
 * The wire format of arp: views, checked parsers and writers, without stack types.
 *
 * @packageDocumentation
 */
export {}
