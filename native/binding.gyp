{
  'targets': [
    {
      'target_name': 'attensor_native',
      'sources': [
        'src/addon.cc',
        '<!@(node -p "[\'common\',\'prover\',\'model\'].flatMap(d => fs.readdirSync(\'src/\' + d).filter(f => f.endsWith(\'.cc\')).map(f => \'src/\' + d + \'/\' + f)).join(\' \')")',
      ],
      'include_dirs': ['<!@(node -p "require(\'node-addon-api\').include")', 'src'],
      'defines': ['NAPI_VERSION=8', 'NODE_ADDON_API_DISABLE_DEPRECATED'],
      'cflags!': ['-fno-exceptions'],
      'cflags_cc!': ['-fno-exceptions', '-std=gnu++17', '-fno-rtti'],
      'cflags_cc': ['-std=c++20', '-fexceptions', '-O3', '-Wall', '-Wextra'],
      'xcode_settings': {
        'GCC_ENABLE_CPP_EXCEPTIONS': 'YES',
        'CLANG_CXX_LANGUAGE_STANDARD': 'c++20',
        'MACOSX_DEPLOYMENT_TARGET': '12.0',
        'GCC_OPTIMIZATION_LEVEL': '3',
      },
    },
  ],
}
