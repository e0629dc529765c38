/** Domain separators of hashes that only provers and circuits compute. */
import { domain } from '@attensor/contracts';

export const PARAMETER_DOMAIN = domain('attensor-parameters-1').toBigInt();
export const SAMPLE_DOMAIN = domain('attensor-sample-1').toBigInt();
export const CARRY_DOMAIN = domain('attensor-carry-1').toBigInt();
export const CONFIG_DOMAIN = domain('attensor-config-1').toBigInt();
