/** The module with constants in place of declarations, imports and exports, and its source map. */
export function makeImmutable(code: string): { code: string, map: object }
