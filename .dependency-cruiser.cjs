/** Which package may import which: imports point to lower floors only. */
const floors = [
  ['buffer'],
  ['core'],
  ['ip-common', 'testing'],
  ['ipv4', 'ipv6', 'arp', 'tcp', 'udp', 'icmp', 'raw', 'qdisc', 'link-[a-z]+'],
  ['node', 'sockets', 'preset-[a-z]+'],
  ['cli', 'packetdrill', 'simulation'],
]
const edges = ['link-tun', 'node', 'cli']
// Command lines of packages that are portable otherwise.
const commands = '^packages/packetdrill/src/(main\\.ts$|command/)'

const src = (names) => `^packages/(${names.join('|')})/src/`

// A package of a floor may import its own files and those of the floors below.
const floorRules = floors.map((names, floor) => ({
  name: `floor-${floor}-imports-lower-floors`,
  comment: 'A package imports packages of lower floors only (docs/architecture.md).',
  severity: 'error',
  from: { path: src(names) },
  to: { path: '^packages/', pathNot: ['^packages/$1/', ...floors.slice(0, floor).map(src)] },
}))

module.exports = {
  forbidden: [
    ...floorRules,
    {
      name: 'no-circular',
      comment: 'Types may refer to each other; modules that need each other to load may not.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    { name: 'not-resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'every-package-has-a-floor',
      comment: 'Add the package to the floors above.',
      severity: 'error',
      from: { path: '^packages/', pathNot: [`^packages/(${floors.flat().join('|')})/`] },
      to: {},
    },
    {
      name: 'public-names-only',
      comment: 'Other packages are reached through what they export: index.ts, wire.ts, or the entries of tcp that have to be asked for.',
      severity: 'error',
      from: { path: '^(packages|tools)/([^/]+)/' },
      to: { path: '^packages/', pathNot: ['^$1/$2/', '^packages/[^/]+/src/(index|wire)\\.ts$', '^packages/tcp/src/(md5|ao)\\.ts$'] },
    },
    {
      name: 'testing-stays-in-tests',
      comment: 'packetdrill and simulation are tools for tests themselves: they run in its virtual time.',
      severity: 'error',
      from: { path: '^packages/(?!(testing|packetdrill|simulation)/)[^/]+/src/' },
      to: { path: '^packages/testing/' },
    },
    {
      name: 'portable-packages-know-no-node',
      severity: 'error',
      from: { path: '^packages/[^/]+/src/', pathNot: [src(edges), commands] },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'commands-are-not-imported',
      comment: 'What a portable package exports does not lead to its command line.',
      severity: 'error',
      from: { path: '^packages/', pathNot: [commands, '/test/'] },
      to: { path: commands },
    },
    {
      name: 'only-declared-dependencies',
      severity: 'error',
      from: { path: '^packages/[^/]+/src/' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'npm-dev'], dependencyTypesNot: ['npm', 'npm-peer'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '/dist/|/vitest\\.[a-z.]*config\\.ts$' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    combinedDependencies: false,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['@stack/source', 'import', 'default', 'node', 'types'] },
  },
}
