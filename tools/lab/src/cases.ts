import type { LabCase } from './case.ts'
import { curlCases, nginxCases } from './cases/http.ts'
import { deviceCases } from './cases/device.ts'
import { namespaceCase } from './cases/namespace.ts'
import { pingCases } from './cases/ping.ts'
import { udpCases } from './cases/udp.ts'

/** Every case, in the order in which they run. */
export const cases: readonly LabCase[] = [namespaceCase, ...deviceCases, ...pingCases, ...udpCases, ...curlCases, ...nginxCases]
