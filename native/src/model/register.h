// Adds the integer model's kernels to the addon's exports.
#pragma once

#include <napi.h>

void RegisterModel(Napi::Env env, Napi::Object exports);
