"""surefit"""
