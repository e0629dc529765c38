{
  'target_defaults': {
    'include_dirs': ['src'],
    'cflags!': ['-fno-exceptions', '-fno-omit-frame-pointer'],
    'cflags_cc!': ['-fno-exceptions', '-std=gnu++17', '-fno-rtti'],
    'cflags_cc': ['-std=c++20', '-fexceptions', '-O3', '-fomit-frame-pointer', '-Wall', '-Wextra'],
    'xcode_settings': {
      'GCC_ENABLE_CPP_EXCEPTIONS': 'YES',
      'CLANG_CXX_LANGUAGE_STANDARD': 'c++20',
      'MACOSX_DEPLOYMENT_TARGET': '12.0',
      'GCC_OPTIMIZATION_LEVEL': '3',
    },
  },
  'targets': [
    {
      # Kernels without Node, shared by the addon and the test executable.
      'target_name': 'kernels',
      'type': 'static_library',
      'cflags': ['-fPIC'],
      'sources': [
        '<!@(node -p "[\'common\',\'device\',\'model\',\'prover\'].flatMap(d => fs.readdirSync(\'src/\' + d).filter(f => f.endsWith(\'.cc\')).map(f => \'src/\' + d + \'/\' + f)).join(\' \')")',
      ],
    },
    {
      'target_name': 'attensor_native',
      'dependencies': ['kernels'],
      'sources': [
        'src/addon.cc',
        '<!@(node -p "fs.readdirSync(\'src/bindings\').filter(f => f.endsWith(\'.cc\')).map(f => \'src/bindings/\' + f).join(\' \')")',
      ],
      'include_dirs': ['<!@(node -p "require(\'node-addon-api\').include")'],
      'defines': ['NAPI_VERSION=8', 'NODE_ADDON_API_DISABLE_DEPRECATED', 'NAPI_CPP_EXCEPTIONS'],
    },
    {
      'target_name': 'kernels_test',
      'type': 'executable',
      'dependencies': ['kernels'],
      'sources': ['test/kernels_test.cc'],
      'libraries': ['-lpthread', '-ldl'],
    },
    {
      'target_name': 'attensor_cuda_test',
      'type': 'executable',
      'dependencies': ['kernels'],
      'sources': ['<!@(node -p "fs.readdirSync(\'test/cuda\').filter(f => f.endsWith(\'.cc\')).map(f => \'test/cuda/\' + f).join(\' \')")'],
      'libraries': ['-lpthread', '-ldl'],
    },
    {
      'target_name': 'attensor_cuda_bench',
      'type': 'executable',
      'dependencies': ['kernels'],
      'sources': ['<!@(node -p "fs.readdirSync(\'bench/cuda\').filter(f => f.endsWith(\'.cc\')).map(f => \'bench/cuda/\' + f).join(\' \')")'],
      'libraries': ['-lpthread', '-ldl'],
    },
  ],
}
