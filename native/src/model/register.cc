#include "register.h"

void RegisterModel(Napi::Env, Napi::Object) {}
