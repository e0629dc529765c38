/** A resident prover with an HTTP API. */
export { ApiKeys, type ApiKey } from './api-keys.js';
export { startService, type Service, type ServiceOptions } from './service.js';
